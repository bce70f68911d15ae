// PySink: the one crossing from the engine into Python. Takes the GIL only to say that there is something to take, and
// only when what it said last has been followed: the event loop then takes what came of all sequences, in one call.
//
// DANGER: it runs on the output thread, which must get the GIL to finish. Whoever joins that thread (Engine::stop and
// the destructors) must have released the GIL, or both wait for ever.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>

#include "output/delta_mailbox.h"
#include "output/output_sink.h"

namespace inferno::bindings {

class PySink final : public OutputSink {
 public:
  // `on_news` is called with the mailbox, on the output thread.
  explicit PySink(pybind11::function on_news) : on_news_(std::move(on_news)) {}

  // An exception raised by the callback is reported as unraisable: there is nobody to raise it to.
  void on_step(std::span<const OutputDelta> deltas) override;

 private:
  std::shared_ptr<DeltaMailbox> mailbox_ = std::make_shared<DeltaMailbox>();
  pybind11::function on_news_;  // destroyed with the GIL held, by the Python object that owns this sink
};

}  // namespace inferno::bindings
