// SimulatedKv: carries out KvOps as a backend would, on plain vectors, and remembers for every cell whose token it is.
// A manager and such a backend together are a KvBench, on which a test can compute tokens and look at what is held.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kvcache/kv_cache_manager.h"

namespace inferno {

class SimulatedKv {
 public:
  struct Cell {
    TokenId token = kNoToken;
    Tenant tenant;
    std::uint64_t id = 0;  // aliased cells have the same
  };

  SimulatedKv(std::int32_t slots, KvCacheOptions::Sharing sharing)
      : slots_(static_cast<std::size_t>(slots)), sharing_(sharing) {}

  void execute(const std::vector<KvOp>& ops) {
    for (const KvOp& op : ops) execute(op);
  }

  void compute(SlotId slot, const Tenant& tenant, std::span<const TokenId> tokens) {
    for (const TokenId token : tokens) at(slot).push_back({token, tenant, ++last_id_});
  }

  [[nodiscard]] std::vector<Cell>& at(SlotId slot) { return slots_.at(static_cast<std::size_t>(slot)); }
  [[nodiscard]] const std::vector<std::vector<Cell>>& slots() const { return slots_; }

  [[nodiscard]] std::vector<TokenId> tokens(SlotId slot) {
    std::vector<TokenId> tokens;
    for (const Cell& cell : at(slot)) tokens.push_back(cell.token);
    return tokens;
  }

  // Distinct cells, which is what memory they take.
  [[nodiscard]] std::int32_t cells() const {
    std::set<std::uint64_t> ids;
    for (const auto& slot : slots_) {
      for (const Cell& cell : slot) ids.insert(cell.id);
    }
    return static_cast<std::int32_t>(ids.size());
  }

 private:
  void execute(const KvOp& op) {
    using Sharing = KvCacheOptions::Sharing;
    const auto n = static_cast<std::size_t>(op.tokens);
    std::vector<Cell>& slot = at(op.slot);
    switch (op.kind) {
      case KvOp::Kind::kDrop:
        slot.clear();
        return;
      case KvOp::Kind::kCut:
        ASSERT_NE(sharing_, Sharing::kNone) << "cannot cut";
        ASSERT_LE(n, slot.size());
        slot.resize(n);
        return;
      case KvOp::Kind::kShare:
        ASSERT_NE(sharing_, Sharing::kNone) << "cannot share";
        ASSERT_TRUE(slot.empty()) << "a share goes into an empty slot";
        ASSERT_LE(n, at(op.from).size());
        slot.assign(at(op.from).begin(), at(op.from).begin() + op.tokens);
        if (sharing_ == Sharing::kCopy) {
          for (Cell& cell : slot) cell.id = ++last_id_;
        }
        return;
    }
  }

  std::vector<std::vector<Cell>> slots_;
  KvCacheOptions::Sharing sharing_;
  std::uint64_t last_id_ = 0;
};

class KvBench {
 public:
  using Tokens = std::vector<TokenId>;
  using Reservation = KvCacheManager::Reservation;

  explicit KvBench(const KvCacheOptions& options) : manager(options), backend(options.slots, options.sharing) {}

  // Reserves and computes the whole prompt. The reused tokens must be those of the prompt.
  Reservation run(const Tenant& tenant, const Tokens& prompt) {
    auto reserved = manager.reserve(tenant, prompt);
    if (!reserved) throw InternalError("no room for a prompt of " + std::to_string(prompt.size()));
    const auto reused = static_cast<std::size_t>(reserved->reused_tokens);
    carry_out();
    EXPECT_EQ(backend.tokens(reserved->lease.slot()), Tokens(prompt.begin(), prompt.begin() + reserved->reused_tokens));
    compute(tenant, reserved->lease, Tokens(prompt.begin() + static_cast<std::ptrdiff_t>(reused), prompt.end()));
    return std::move(*reserved);
  }

  void compute(const Tenant& tenant, const KvLease& lease, const Tokens& tokens) {
    carry_out();
    backend.compute(lease.slot(), tenant, tokens);
    manager.commit(lease, tokens);
    check();
  }

  // A sequence that came and went: its prompt is kept.
  void keep(const Tenant& tenant, const Tokens& prompt) {
    { const Reservation done = run(tenant, prompt); }
    carry_out();
  }

  std::vector<KvOp> carry_out() {
    std::vector<KvOp> ops = manager.take_ops();
    backend.execute(ops);
    check();
    return ops;
  }

  void check() const {
    const Status status = manager.check_invariants();
    EXPECT_TRUE(status.ok()) << status.message();
  }

  KvCacheManager manager;
  SimulatedKv backend;
};

// "share 2<1:4", "cut 0:8" and "drop 3", for comparison and for reading failures.
inline std::string words(const std::vector<KvOp>& ops) {
  std::string all;
  for (const KvOp& op : ops) {
    const std::string slot = std::to_string(static_cast<std::int32_t>(op.slot));
    if (!all.empty()) all += ", ";
    if (op.kind == KvOp::Kind::kDrop) all += "drop " + slot;
    if (op.kind == KvOp::Kind::kCut) all += "cut " + slot + ":" + std::to_string(op.tokens);
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
