// FakeImages: the test model's image encoder. A picture's rows depend on all of its pixels, and on nothing else.
#pragma once

#include <atomic>
#include <string>

#include "backends/image_encoder.h"

namespace inferno {

class FakeImages final : public ImageEncoder {
 public:
  static constexpr std::int32_t kWidth = 4;  // numbers of a row

  // `rows` of them stand for a picture, whatever its size, between brackets.
  explicit FakeImages(std::int32_t rows) : rows_(rows) {}

  [[nodiscard]] const std::string& kind() const override { return kind_; }
  Result<std::vector<ImagePiece>> encode(const Picture& picture) override;

 private:
  const std::string kind_ = "fake";
  const std::int32_t rows_;
  std::atomic<TokenId> next_id_ = kFirstImage;
};

// What the test model's hash takes in of a row. Not negative.
[[nodiscard]] TokenId fake_row_token(const float* row);

}  // namespace inferno
