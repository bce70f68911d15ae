// Names of things. TokenId is a plain integer because spans of tokens go to backends without a copy; the others are
// distinct types, so that one cannot be passed for another.
#pragma once

#include <cstdint>
#include <string>

namespace inferno {

using TokenId = std::int32_t;
inline constexpr TokenId kNoToken = -1;

enum class RequestId : std::uint64_t {};
enum class SequenceId : std::uint64_t {};  // one request with n > 1 has n sequences
enum class SlotId : std::int32_t {};       // a backend's sequence number, where KV bytes live
enum class BlockId : std::int32_t {};      // a unit of KV budget

// Small matrices that are added to a model's own (LoRA), as a backend loaded them; never given a second time.
enum class AdapterId : std::uint64_t {};
inline constexpr AdapterId kNoAdapter{};

// Who owns a request. Prefixes are never shared across tenants.
using Tenant = std::string;

}  // namespace inferno
