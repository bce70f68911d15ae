#include "bindings/py_sink.h"

namespace py = pybind11;

namespace inferno::bindings {

void PySink::on_step(std::span<const OutputDelta> deltas) {
  if (!mailbox_->put(deltas)) return;
  py::gil_scoped_acquire gil;
  try {
    on_news_(mailbox_);
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("inferno on_news");
  }
}

}  // namespace inferno::bindings
