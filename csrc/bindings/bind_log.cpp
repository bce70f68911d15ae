// Log lines of the engine and its backends -> a Python callable (level, component, message).
#include <pybind11/stl.h>

#include <memory>
#include <optional>

#include "base/log.h"
#include "bindings/register.h"

namespace py = pybind11;

namespace inferno::bindings {
namespace {

int python_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return 10;
    case LogLevel::kInfo: return 20;
    case LogLevel::kWarning: return 30;
    case LogLevel::kError: return 40;
  }
  return 40;
}

// A Python object that may be called and destroyed on a thread that does not hold the GIL.
std::shared_ptr<py::object> share(py::object object) {
  return {new py::object(std::move(object)), [](py::object* owned) {
            py::gil_scoped_acquire gil;
            delete owned;
          }};
}

void install(std::optional<py::object> sink) {
  LogSink forward;
  if (sink && !sink->is_none()) {
    forward = [callable = share(std::move(*sink))](LogLevel level, std::string_view component, std::string_view message) {
      py::gil_scoped_acquire gil;
      try {
        // Backends log whatever bytes a model file holds.
        auto text = py::reinterpret_steal<py::object>(
            PyUnicode_DecodeUTF8(message.data(), static_cast<Py_ssize_t>(message.size()), "replace"));
        (*callable)(python_level(level), component, text);
      } catch (py::error_already_set& error) {
        error.discard_as_unraisable("inferno log sink");
      }
    };
  }
  // set_log_sink waits for calls in flight, which may wait for the GIL.
  py::gil_scoped_release release;
  set_log_sink(std::move(forward));
}

}  // namespace

void register_log(py::module_& module) {
  module.def("set_log_sink", &install, py::arg("sink").none(true));
  // A line logged while the interpreter goes down must find no sink.
  py::module_::import("atexit").attr("register")(py::cpp_function([] { install(std::nullopt); }));
}

}  // namespace inferno::bindings
