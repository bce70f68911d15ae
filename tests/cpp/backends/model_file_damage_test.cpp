// What the fuzzers do without end (docs/fuzzing.md), for some seconds and without clang: damaged files of each format.
// Meant to be run with -DINFERNO_SANITIZE=address,undefined; every file lies in a buffer of exactly its size.
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string_view>

#include "backends/gguf_bytes.h"
#include "backends/onnx_bytes.h"
#include "backends/safetensors_bytes.h"
#include "fuzz/looked_at.h"

namespace inferno::testing {
namespace {

using Bytes = std::vector<std::byte>;

constexpr int kRounds = 20'000;

// What a SafeTensors header is made of, and what its numbers break on.
constexpr std::array<std::string_view, 24> kPieces = {
    "{", "}", "[", "]", ":", ",", "\"", "\\", "\\u0000", "\\ud83d\\ude00", "\\ud800", "0", "-1", "1e9", "00",
    "18446744073709551615", "9223372036854775807", "\"dtype\"", "\"shape\"", "\"data_offsets\"", "\"F32\"", "\"BF16\"",
    "\"__metadata__\"", "\xED\xA0\x80"};

template <typename Container>
void splice(Container& file, std::size_t at, std::size_t removed, std::span<const std::byte> put) {
  const auto from = file.begin() + static_cast<std::ptrdiff_t>(at);
  const auto place = file.erase(from, from + static_cast<std::ptrdiff_t>(std::min(removed, file.size() - at)));
  file.insert(place, put.begin(), put.end());
}

// One to four changes: bytes flipped, removed, doubled or replaced by a piece; the length usually made right again.
Bytes damaged(const Bytes& whole, std::mt19937& random, bool mend_length) {
  Bytes file = whole;
  for (unsigned changes = 1 + random() % 4; changes > 0 && file.size() > 8; --changes) {
    const std::size_t at = random() % file.size();
    const auto piece = std::as_bytes(std::span(kPieces[random() % kPieces.size()]));
    switch (random() % 4) {
      case 0: file[at] = static_cast<std::byte>(random()); break;
      case 1: splice(file, at, random() % 16, {}); break;
      case 2: splice(file, at, 0, Bytes(file.begin(), file.begin() + static_cast<std::ptrdiff_t>(at))); break;
      default: splice(file, at, random() % 8, piece);
    }
  }
  if (mend_length && file.size() >= 8 + kGoodData && random() % 4 != 0) {
    const std::uint64_t length = file.size() - 8 - kGoodData;
    std::memcpy(file.data(), &length, sizeof(length));
  }
  return {file.begin(), file.end()};
}

TEST(ModelFileDamage, EveryTruncatedSafeTensorsFileIsRefused) {
  const Bytes whole = bytes_of(safetensors_text(kGoodHeader, kGoodData));
  ASSERT_TRUE(look_at_safetensors(whole));
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_FALSE(look_at_safetensors(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))));
  }
}

TEST(ModelFileDamage, DamagedSafeTensorsFilesAreAnswered) {
  const Bytes whole = bytes_of(safetensors_text(kGoodHeader, kGoodData));
  std::mt19937 random(3);
  int taken = 0;
  for (int round = 0; round < kRounds; ++round) taken += look_at_safetensors(damaged(whole, random, true)) ? 1 : 0;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, kRounds / 2);
}

TEST(ModelFileDamage, DamagedGgufFilesAreAnswered) {
  const Bytes whole = GgufBytes().build();
  ASSERT_TRUE(look_at_gguf(whole));
  std::mt19937 random(4);
  int taken = 0;
  for (int round = 0; round < kRounds; ++round) taken += look_at_gguf(damaged(whole, random, false)) ? 1 : 0;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, kRounds);
}

TEST(ModelFileDamage, DamagedOnnxFilesAreAnswered) {
  const Bytes whole = bytes_of(OnnxBytes().build());
  ASSERT_TRUE(look_at_onnx(whole));
  std::mt19937 random(5);
  int taken = 0;
  for (int round = 0; round < kRounds; ++round) taken += look_at_onnx(damaged(whole, random, false)) ? 1 : 0;
  EXPECT_GT(taken, 0);
  EXPECT_LT(taken, kRounds / 2);
}

// Every byte of the file replaced by every other.
TEST(ModelFileDamage, EveryByteOfAnOnnxFileIsBelievedOrNot) {
  const Bytes whole = bytes_of(OnnxBytes().build());
  int taken = 0;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (int value = 0; value < 256; ++value) {
      Bytes changed = whole;
      changed[at] = static_cast<std::byte>(value);
      taken += look_at_onnx(changed) ? 1 : 0;
    }
  }
  EXPECT_LT(taken, static_cast<int>(whole.size()) * 128);
}

}  // namespace
}  // namespace inferno::testing
