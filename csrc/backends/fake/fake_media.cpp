#include "backends/fake/fake_media.h"

#include <memory>
#include <utility>

#include "backends/fake/fake_logits.h"

namespace inferno {
namespace {

constexpr int kPartBits = 7;  // of a hash, in each number of a row: floats hold them exactly
constexpr std::uint64_t kPartMask = (1U << kPartBits) - 1;

}  // namespace

Result<std::vector<MediaPiece>> FakeMedia::encode(const Picture& picture) {
  if (!takes_pictures()) return Status(StatusCode::kUnsupported, "this model takes no pictures", "image");
  if (Status status = check_picture(picture); !status.ok()) return status;
  std::uint64_t hash = fake_hash_step(kFakeEmptyHash, picture.width);
  for (const std::uint8_t byte : picture.rgb) hash = fake_hash_step(hash, byte);
  return rows_of(hash, picture_rows_);
}

Result<std::vector<MediaPiece>> FakeMedia::encode(const Sound& sound) {
  if (!takes_sounds()) return Status(StatusCode::kUnsupported, "this model takes no sounds", "audio");
  if (Status status = check_sound(sound); !status.ok()) return status;
  std::uint64_t hash = fake_hash_step(kFakeEmptyHash, sound.rate);
  for (const std::uint8_t byte : sound.samples) hash = fake_hash_step(hash, byte);
  return rows_of(hash, sound_rows_);
}

std::vector<MediaPiece> FakeMedia::rows_of(std::uint64_t hash, std::int32_t count) {
  auto rows = std::make_shared<MediaRows>();
  rows->id = next_id_--;
  rows->count = count;
  rows->width = kWidth;
  for (std::int32_t i = 0; i < count; ++i) {
    hash = fake_hash_step(hash, i);
    for (std::int32_t part = 0; part < kWidth; ++part) {
      rows->values.push_back(static_cast<float>((hash >> (part * kPartBits)) & kPartMask));
    }
  }
  return {std::vector<TokenId>{'['}, MediaRowsPtr(std::move(rows)), std::vector<TokenId>{']'}};
}

TokenId fake_row_token(const float* row) {
  TokenId token = 0;
  for (std::int32_t part = 0; part < FakeMedia::kWidth; ++part) token |= static_cast<TokenId>(row[part]) << (part * kPartBits);
  return token;
}

}  // namespace inferno
