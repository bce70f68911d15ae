// SimulatedKv: carries out KvOps as a backend would, on plain vectors, and remembers for every cell whose token it is.
// A manager and such a backend together are a KvBench, on which a test can compute tokens and look at what is held.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kv_words.h"
#include "kvcache/kv_cache_manager.h"

namespace inferno {

class SimulatedKv {
 public:
  struct Cell {
    TokenId token = kNoToken;
    PrefixOwner owner;
    std::uint64_t id = 0;  // aliased cells have the same
  };

  SimulatedKv(std::int32_t slots, KvCacheOptions::Sharing sharing, HostPrefixes* host = nullptr)
      : slots_(static_cast<std::size_t>(slots)), sharing_(sharing), host_(host) {}

  void execute(const std::vector<KvOp>& ops) {
    for (const KvOp& op : ops) execute(op);
  }

  void compute(SlotId slot, const PrefixOwner& owner, std::span<const TokenId> tokens) {
    for (const TokenId token : tokens) at(slot).push_back({token, owner, ++last_id_});
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
      case KvOp::Kind::kSave:
        save(slot, op.prefix);
        return;
      case KvOp::Kind::kLoad:
        ASSERT_TRUE(slot.empty()) << "a saved prefix goes into an empty slot";
        load(op.slot, op.prefix);
        ASSERT_LE(cells(), capacity) << "a saved prefix has no room while it is whole";
        slot.resize(n);
        return;
    }
  }

  // A token is its own bytes.
  void save(const std::vector<Cell>& slot, const SavedPrefixPtr& prefix) {
    ASSERT_EQ(slot.size(), prefix->tokens.size());
    const auto room = host_->room_for(*prefix, slot.size() * sizeof(TokenId));
    if (!room.ok()) return host_->refuse(prefix);
    for (std::size_t i = 0; i < slot.size(); ++i) {
      ASSERT_EQ(slot[i].owner, prefix->owner);
      std::memcpy(room.value().data() + i * sizeof(TokenId), &slot[i].token, sizeof(TokenId));
    }
    host_->saved(prefix);
  }

  void load(SlotId to, const SavedPrefixPtr& prefix) {
    ASSERT_TRUE(prefix->saved) << "loaded without having been saved";
    std::vector<TokenId> tokens(prefix->tokens.size());
    ASSERT_EQ(prefix->bytes.size(), tokens.size() * sizeof(TokenId));
    std::memcpy(tokens.data(), prefix->bytes.data(), prefix->bytes.size());
    compute(to, prefix->owner, tokens);
    host_->loaded(prefix, static_cast<std::int32_t>(tokens.size()));
  }

 public:
  std::int32_t capacity = 1 << 30;  // cells there are

 private:

  std::vector<std::vector<Cell>> slots_;
  KvCacheOptions::Sharing sharing_;
  HostPrefixes* host_;
  std::uint64_t last_id_ = 0;
};

class KvBench {
 public:
  using Tokens = std::vector<TokenId>;
  using Reservation = KvCacheManager::Reservation;

  explicit KvBench(const KvCacheOptions& options) : manager(options), backend(options.slots, options.sharing) {}
  // With host memory for so many bytes.
  KvBench(const KvCacheOptions& options, std::uint64_t host_bytes)
      : host(std::make_unique<HostPrefixes>(host_bytes, options.block_tokens)),
        manager(options, host.get()),
        backend(options.slots, options.sharing, host.get()) {
    backend.capacity = options.capacity_tokens;
  }

  // Reserves and computes the whole prompt. The reused tokens must be those of the prompt.
  Reservation run(const PrefixOwner& owner, const Tokens& prompt) {
    auto reserved = manager.reserve(owner, prompt);
    if (!reserved) throw InternalError("no room for a prompt of " + std::to_string(prompt.size()));
    const auto reused = static_cast<std::size_t>(reserved->reused_tokens);
    carry_out();
    EXPECT_EQ(backend.tokens(reserved->lease.slot()), Tokens(prompt.begin(), prompt.begin() + reserved->reused_tokens));
    compute(owner, reserved->lease, Tokens(prompt.begin() + static_cast<std::ptrdiff_t>(reused), prompt.end()));
    return std::move(*reserved);
  }

  void compute(const PrefixOwner& owner, const KvLease& lease, const Tokens& tokens) {
    carry_out();
    backend.compute(lease.slot(), owner, tokens);
    manager.commit(lease, tokens);
    check();
  }

  // A sequence that came and went: its prompt is kept.
  void keep(const PrefixOwner& owner, const Tokens& prompt) {
    { const Reservation done = run(owner, prompt); }
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
    if (!host) return;
    const Status saved = host->check_invariants();
    EXPECT_TRUE(saved.ok()) << saved.message();
  }

  std::unique_ptr<HostPrefixes> host;  // before the manager, which uses it
  KvCacheManager manager;
  SimulatedKv backend;
};

}  // namespace inferno
