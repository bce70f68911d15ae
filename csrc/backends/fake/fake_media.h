// FakeMedia: the test model's media encoder. Rows depend on all that a picture or sound consists of, and on nothing else.
#pragma once

#include <atomic>
#include <string>

#include "backends/media_encoder.h"

namespace inferno {

class FakeMedia final : public MediaEncoder {
 public:
  static constexpr std::int32_t kWidth = 4;  // numbers of a row

  // So many rows stand for a picture or a sound, however large, between brackets; 0 = it takes none.
  FakeMedia(std::int32_t picture_rows, std::int32_t sound_rows) : picture_rows_(picture_rows), sound_rows_(sound_rows) {}

  [[nodiscard]] const std::string& kind() const override { return kind_; }
  [[nodiscard]] bool takes_pictures() const override { return picture_rows_ > 0; }
  [[nodiscard]] bool takes_sounds() const override { return sound_rows_ > 0; }
  Result<std::vector<MediaPiece>> encode(const Picture& picture) override;
  Result<std::vector<MediaPiece>> encode(const Sound& sound) override;

 private:
  std::vector<MediaPiece> rows_of(std::uint64_t hash, std::int32_t count);

  const std::string kind_ = "fake";
  const std::int32_t picture_rows_;
  const std::int32_t sound_rows_;
  std::atomic<TokenId> next_id_ = kFirstMedia;
};

// What the test model's hash takes in of a row. Not negative.
[[nodiscard]] TokenId fake_row_token(const float* row);

}  // namespace inferno
