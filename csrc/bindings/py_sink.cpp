#include "bindings/py_sink.h"

namespace py = pybind11;

namespace inferno::bindings {

void PySink::on_step(std::span<const OutputDelta> deltas) {
  py::gil_scoped_acquire gil;
  try {
    py::list crossing(deltas.size());
    for (std::size_t i = 0; i < deltas.size(); ++i) crossing[i] = py::cast(deltas[i], py::return_value_policy::copy);
    on_step_(std::move(crossing));
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("inferno on_step");
  }
}

}  // namespace inferno::bindings
