#include "backends/fake/fake_images.h"

#include <memory>

#include "backends/fake/fake_logits.h"

namespace inferno {
namespace {

constexpr int kPartBits = 7;  // of a hash, in each number of a row: floats hold them exactly
constexpr std::uint64_t kPartMask = (1U << kPartBits) - 1;

}  // namespace

Result<std::vector<ImagePiece>> FakeImages::encode(const Picture& picture) {
  if (Status status = check_picture(picture); !status.ok()) return status;
  std::uint64_t hash = fake_hash_step(kFakeEmptyHash, picture.width);
  for (const std::uint8_t byte : picture.rgb) hash = fake_hash_step(hash, byte);
  auto rows = std::make_shared<ImageRows>();
  rows->id = next_id_--;
  rows->count = rows_;
  rows->width = kWidth;
  for (std::int32_t i = 0; i < rows_; ++i) {
    hash = fake_hash_step(hash, i);
    for (std::int32_t part = 0; part < kWidth; ++part) {
      rows->values.push_back(static_cast<float>((hash >> (part * kPartBits)) & kPartMask));
    }
  }
  return std::vector<ImagePiece>{std::vector<TokenId>{'['}, ImageRowsPtr(std::move(rows)), std::vector<TokenId>{']'}};
}

TokenId fake_row_token(const float* row) {
  TokenId token = 0;
  for (std::int32_t part = 0; part < FakeImages::kWidth; ++part) token |= static_cast<TokenId>(row[part]) << (part * kPartBits);
  return token;
}

}  // namespace inferno
