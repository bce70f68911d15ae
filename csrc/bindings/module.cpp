// inferno._core, the table of contents. python/inferno/_core.pyi describes the same surface.
#include "bindings/register.h"

PYBIND11_MODULE(_core, module) {
  using namespace inferno::bindings;
  module.doc() = "Inferno's native engine";
  module.attr("__version__") = INFERNO_VERSION;
  module.attr("__commit__") = INFERNO_COMMIT;
  register_status(module);
  register_log(module);
  register_model(module);
  register_media(module);
  register_weights(module);
  register_grammar(module);
  register_request(module);
  register_output(module);
  register_engine(module);
  register_embedder(module);
  register_graph(module);
}
