#include "bindings/py_sink.h"

namespace py = pybind11;

namespace inferno::bindings {
namespace {

// (request, index, text, tokens, rest). Plain tuples, since this runs for every token of every stream: `rest`, an
// OutputDelta, is there only when the delta has more to say than text and tokens.
py::tuple crossing(const OutputDelta& delta) {
  py::tuple tokens(delta.tokens.size());
  for (std::size_t i = 0; i < delta.tokens.size(); ++i) tokens[i] = delta.tokens[i];
  const bool plain = delta.finish == FinishReason::kNone && delta.logprobs.empty() && delta.prompt_logprobs.empty();
  py::object rest = plain ? py::object(py::none()) : py::cast(delta, py::return_value_policy::copy);
  return py::make_tuple(static_cast<std::uint64_t>(delta.request), delta.index, delta.text, std::move(tokens), std::move(rest));
}

}  // namespace

void PySink::on_step(std::span<const OutputDelta> deltas) {
  py::gil_scoped_acquire gil;
  try {
    py::list all(deltas.size());
    for (std::size_t i = 0; i < deltas.size(); ++i) all[i] = crossing(deltas[i]);
    on_step_(std::move(all));
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("inferno on_step");
  }
}

}  // namespace inferno::bindings
