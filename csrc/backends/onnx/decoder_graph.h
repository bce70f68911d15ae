// DecoderGraph: which of a graph's inputs and outputs mean what, for a graph that continues token sequences.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/onnx/onnx_session.h"

namespace inferno {

// Keys or values of one layer: an input "past...N...key" of [batch, heads, cells, size], and the output that continues it.
struct CellTensor {
  std::string past;
  std::string present;
  std::int64_t size = 0;  // numbers of a head's cell
};

struct DecoderGraph {
  std::string ids;
  std::string mask;       // "" where there is none
  std::string positions;  // "" where there is none
  OrtElement ids_type = OrtElement::kInt64;
  OrtElement mask_type = OrtElement::kInt64;
  OrtElement positions_type = OrtElement::kInt64;

  std::string logits;
  std::int32_t vocab_size = 0;
  bool last_logits_only = false;  // of a run's tokens, only the last one's are given
  std::string rows;  // the input that says which tokens' are given (logits_rows.h); "" where it does not go by any

  std::vector<CellTensor> cells;  // keys and values of all layers; none: a graph without memory
  std::int64_t heads = 0;         // of keys and values
  OrtElement cell_type = OrtElement::kFloat;

  [[nodiscard]] std::int32_t layers() const { return static_cast<std::int32_t>(cells.size() / 2); }
};

// `head_size` is that of a cell where the graph leaves it open; 0: nobody knows. kUnsupported for a graph that takes what nobody here can give (encoder states, ...), naming it, or gives no logits.
[[nodiscard]] Result<DecoderGraph> read_decoder_graph(const OnnxSession& session, std::int32_t head_size);

}  // namespace inferno
