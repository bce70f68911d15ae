// Status -> CoreError(code, message, param). python/inferno/errors.py turns it into a class per code.
#include <string>

#include "bindings/register.h"

namespace py = pybind11;

namespace inferno::bindings {
namespace {

PyObject* core_error = nullptr;  // owned by the module for the life of the process

py::str lossy(const std::string& text) {
  PyObject* decoded = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
  if (!decoded) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(decoded);
}

}  // namespace

void register_status(py::module_& module) {
  core_error = PyErr_NewExceptionWithDoc("inferno._core.CoreError", "args: (code, message, param)", nullptr, nullptr);
  if (!core_error) throw py::error_already_set();
  module.add_object("CoreError", core_error);
}

void raise_unless_ok(const Status& status) {
  if (status.ok()) return;
  const py::tuple args = py::make_tuple(std::string(status_code_name(status.code())), lossy(status.message()),
                                        lossy(status.param()));
  PyErr_SetObject(core_error, args.ptr());
  throw py::error_already_set();
}

}  // namespace inferno::bindings
