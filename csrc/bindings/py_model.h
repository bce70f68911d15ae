// PyModel: a loaded model as Python holds it. Freed with the GIL released, since giving back gigabytes takes time.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "backends/backend.h"

namespace inferno::bindings {

struct PyModel {
  std::shared_ptr<Model> model;
  bool taken = false;  // by an engine, which alone may compute with it

  explicit PyModel(std::unique_ptr<Model> loaded) : model(std::move(loaded)) {}
  ~PyModel() {
    pybind11::gil_scoped_release release;
    model.reset();
  }
};

}  // namespace inferno::bindings
