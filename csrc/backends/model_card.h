// ModelCard: what stands beside a model's file, for formats whose file says nothing but how to compute (ONNX). Read by
// whoever knows those other files, and handed over with the options.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/tokenizer.h"
#include "base/ids.h"

namespace inferno {

// A vocabulary, rendered: what every token stands for in output. Texts are encoded elsewhere.
struct TokenTable {
  std::vector<std::string> bytes;     // by id; empty for special and unused tokens
  std::vector<SpecialToken> special;
  std::vector<TokenId> ends;          // those that end a text
  TokenId bos = kNoToken;
  TokenId eos = kNoToken;
  TokenId closing = kNoToken;         // see Tokenizer
  bool adds_bos = false;
  bool strips_leading_space = false;
};

struct ModelCard {
  std::string architecture;          // "llama", "qwen2", ...
  std::string name;
  std::int32_t trained_context = 0;  // tokens; 0 = not said
  std::int32_t head_size = 0;        // numbers of a head's key or value, for graphs that leave it open; 0 = not said
  TokenTable tokens;
};

}  // namespace inferno
