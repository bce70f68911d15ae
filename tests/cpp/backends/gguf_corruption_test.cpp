// Arbitrary damage: whatever the bytes, the check answers and stays inside them. Meant to be run with
// -DINFERNO_SANITIZE=address,undefined; every file lies in a buffer of exactly its size.
#include <gtest/gtest.h>

#include <random>

#include "backends/gguf_bytes.h"
#include "backends/llama/gguf_check.h"

namespace inferno::testing {
namespace {

using Bytes = std::vector<std::byte>;

constexpr int kRounds = 20'000;

// The table without the tensors' data: damage to data cannot be seen, and would dilute the trials.
std::size_t table_bytes(const Bytes& file) { return file.size() - GgufBytes().data_bytes; }

TEST(GgufCorruption, EveryTruncationIsRefused) {
  const Bytes whole = GgufBytes().build();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const Bytes part(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(check_gguf(part).code(), StatusCode::kDataCorrupted) << "at " << length;
  }
}

TEST(GgufCorruption, FlippedBytesAreAnswered) {
  const Bytes whole = GgufBytes().build();
  std::mt19937 random(1);
  int refused = 0;
  for (int round = 0; round < kRounds; ++round) {
    Bytes damaged = whole;
    for (unsigned flips = 1 + random() % 4; flips > 0; --flips) {
      damaged[random() % table_bytes(whole)] = static_cast<std::byte>(random());
    }
    refused += check_gguf(damaged).ok() ? 0 : 1;
  }
  // Much of the table is text and padding, where damage makes another valid file.
  EXPECT_GT(refused, kRounds / 3);
  EXPECT_LT(refused, kRounds);
}

TEST(GgufCorruption, HostileLengthsAreAnswered) {
  const Bytes whole = GgufBytes().build();
  const std::vector<std::uint64_t> hostile = {0,          1,          0x7FFFFFFF, 0xFFFFFFFF,    1ULL << 32,
                                              1ULL << 62, 1ULL << 63, UINT64_MAX, UINT64_MAX - 7};
  for (std::size_t at = 0; at + 8 <= table_bytes(whole); ++at) {
    for (const std::uint64_t value : hostile) {
      Bytes damaged = whole;
      std::memcpy(damaged.data() + at, &value, sizeof(value));
      EXPECT_LT(check_gguf(damaged).message().size(), 400U);
    }
  }
}

TEST(GgufCorruption, NoiseIsRefused) {
  std::mt19937 random(2);
  for (int round = 0; round < 2'000; ++round) {
    Bytes noise(24 + random() % 200);
    for (std::byte& byte : noise) byte = static_cast<std::byte>(random());
    std::memcpy(noise.data(), "GGUF\x03\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0", 24);
    EXPECT_FALSE(check_gguf(noise).ok());
  }
}

}  // namespace
}  // namespace inferno::testing
