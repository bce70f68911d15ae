// Orders as words, and texts that are easy to tell apart.
#pragma once

#include <string>
#include <vector>

#include "kvcache/kv_op.h"

namespace inferno {

// "share 2<1:4", "cut 0:8", "drop 3", "save 0:8" and "load 1:4", for comparison and for reading failures.
inline std::string words(const std::vector<KvOp>& ops) {
  std::string all;
  for (const KvOp& op : ops) {
    const std::string slot = std::to_string(static_cast<std::int32_t>(op.slot));
    if (!all.empty()) all += ", ";
    if (op.kind == KvOp::Kind::kDrop) all += "drop " + slot;
    if (op.kind == KvOp::Kind::kCut) all += "cut " + slot + ":" + std::to_string(op.tokens);
    if (op.kind == KvOp::Kind::kSave) all += "save " + slot + ":" + std::to_string(op.tokens);
    if (op.kind == KvOp::Kind::kLoad) all += "load " + slot + ":" + std::to_string(op.tokens);
    if (op.kind == KvOp::Kind::kShare) {
      const std::string from = std::to_string(static_cast<std::int32_t>(op.from));
      all += "share " + slot + "<" + from + ":" + std::to_string(op.tokens);
    }
  }
  return all;
}

// n tokens counting up from `first`.
inline std::vector<TokenId> count_from(TokenId first, std::int32_t n) {
  std::vector<TokenId> tokens;
  for (std::int32_t i = 0; i < n; ++i) tokens.push_back(first + i);
  return tokens;
}

inline std::vector<TokenId> joined(std::vector<TokenId> a, const std::vector<TokenId>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace inferno
