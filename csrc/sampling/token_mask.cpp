#include "sampling/token_mask.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <limits>

#include "base/status.h"

namespace inferno {

void copy_allowed(std::span<const float> row, TokenMask allowed, std::vector<float>& out) {
  out.assign(row.size(), -std::numeric_limits<float>::infinity());
  const std::size_t words = std::min(allowed.size(), (row.size() + kMaskWordBits - 1) / kMaskWordBits);
  for (std::size_t word = 0; word < words; ++word) {
    const std::size_t first = word * kMaskWordBits;
    const std::size_t count = std::min(kMaskWordBits, row.size() - first);
    std::uint32_t bits = allowed[word];
    if (~bits == 0) {
      std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(first), count, out.begin() + static_cast<std::ptrdiff_t>(first));
      continue;
    }
    for (; bits != 0; bits &= bits - 1) {
      const auto at = static_cast<std::size_t>(std::countr_zero(bits));
      if (at < count) out[first + at] = row[first + at];
    }
  }
}

Peak allowed_peak(std::span<const float> row, TokenMask allowed) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Peak best{kNoToken, -kInfinity};
  const std::size_t words = std::min(allowed.size(), (row.size() + kMaskWordBits - 1) / kMaskWordBits);
  for (std::size_t word = 0; word < words; ++word) {
    const std::size_t first = word * kMaskWordBits;
    const auto part = row.subspan(first, std::min(kMaskWordBits, row.size() - first));
    std::uint32_t bits = allowed[word];
    if (~bits == 0 && !(block_max(part) > best.logit)) continue;
    for (; bits != 0; bits &= bits - 1) {
      const auto at = static_cast<std::size_t>(std::countr_zero(bits));
      if (at < part.size() && part[at] > best.logit) best = {static_cast<TokenId>(first + at), part[at]};
    }
  }
  if (best.id == kNoToken || best.logit == kInfinity) {
    throw InternalError("the model gives no finite logit to any token that the grammar allows");
  }
  return best;
}

}  // namespace inferno
