// One function per file of this room; module.cpp calls them in order.
#pragma once

#include <pybind11/pybind11.h>

#include "base/result.h"
#include "base/status.h"

namespace inferno::bindings {

void register_status(pybind11::module_& module);
void register_log(pybind11::module_& module);
void register_model(pybind11::module_& module);
void register_media(pybind11::module_& module);
void register_weights(pybind11::module_& module);
void register_grammar(pybind11::module_& module);
void register_request(pybind11::module_& module);
void register_output(pybind11::module_& module);
void register_engine(pybind11::module_& module);
void register_embedder(pybind11::module_& module);
void register_graph(pybind11::module_& module);

// Raises CoreError(code, message, param) for a Status that is not ok. Needs the GIL.
void raise_unless_ok(const Status& status);

template <typename T>
T value_or_raise(Result<T>&& result) {
  raise_unless_ok(result.status());
  return std::move(result).value();
}

}  // namespace inferno::bindings
