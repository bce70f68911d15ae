// PyEmbedSink: the one crossing from the embedder into Python. Takes the GIL once per batch.
//
// DANGER: it runs on the embedder's thread, which must get the GIL to finish. Whoever joins that thread (Embedder::stop
// and the destructors) must have released the GIL, or both wait for ever.
#pragma once

#include <pybind11/pybind11.h>

#include "output/embed_sink.h"

namespace inferno::bindings {

class PyEmbedSink final : public EmbedSink {
 public:
  explicit PyEmbedSink(pybind11::function on_embeddings) : on_embeddings_(std::move(on_embeddings)) {}

  // An exception raised by the callback is reported as unraisable: there is nobody to raise it to.
  void on_embeddings(std::span<const EmbedOutput> outputs) override;

 private:
  pybind11::function on_embeddings_;  // destroyed with the GIL held, by the Python object that owns this sink
};

}  // namespace inferno::bindings
