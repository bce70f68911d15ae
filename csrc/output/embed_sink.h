// EmbedSink: where vectors go.
#pragma once

#include <span>

#include "request/embed_request.h"

namespace inferno {

class EmbedSink {
 public:
  virtual ~EmbedSink() = default;
  // Called on the embedder's thread, once per batch. Must not throw. For every text of a request exactly one output.
  virtual void on_embeddings(std::span<const EmbedOutput> outputs) = 0;
};

}  // namespace inferno
