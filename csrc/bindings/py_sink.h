// PySink: the one crossing from the engine into Python. Takes the GIL once per step, for all sequences together.
//
// DANGER: it runs on the output thread, which must get the GIL to finish. Whoever joins that thread (Engine::stop and
// the destructors) must have released the GIL, or both wait for ever.
#pragma once

#include <pybind11/pybind11.h>

#include "output/output_sink.h"

namespace inferno::bindings {

class PySink final : public OutputSink {
 public:
  explicit PySink(pybind11::function on_step) : on_step_(std::move(on_step)) {}

  // An exception raised by the callback is reported as unraisable: there is nobody to raise it to.
  void on_step(std::span<const OutputDelta> deltas) override;

 private:
  pybind11::function on_step_;  // destroyed with the GIL held, by the Python object that owns this sink
};

}  // namespace inferno::bindings
