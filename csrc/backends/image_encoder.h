// ImageEncoder: what makes a model's input of a picture. Beside a Model, which takes the rows in like tokens.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/image_rows.h"
#include "base/result.h"

namespace inferno {

// Pixels row by row from the top, three bytes each: red, green, blue.
struct Picture {
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::span<const std::uint8_t> rgb;  // width * height * 3
};

// A piece of what stands for a picture in a prompt: tokens of the model's vocabulary (marks around it), or rows.
using ImagePiece = std::variant<std::vector<TokenId>, ImageRowsPtr>;

class ImageEncoder {
 public:
  virtual ~ImageEncoder() = default;

  // The kind of it, as the file calls it.
  [[nodiscard]] virtual const std::string& kind() const = 0;

  // In the order of the prompt; at least one piece has rows, with an id of their own. Thread-safe; one picture is computed
  // at a time, others wait. Sides of 1 to kMostPixels, at most kMostAspect times as long as each other: kInvalidArgument.
  // kUnavailable when there are no ids left, kInternal.
  [[nodiscard]] virtual Result<std::vector<ImagePiece>> encode(const Picture& picture) = 0;

  static constexpr std::int64_t kMostPixels = 64'000'000;
  static constexpr std::int32_t kMostAspect = 100;
};

// The refusals every encoder makes. A picture's own fault: kInvalidArgument.
[[nodiscard]] inline Status check_picture(const Picture& picture) {
  const std::int64_t pixels = std::int64_t{picture.width} * picture.height;
  const std::string size = std::to_string(picture.width) + " x " + std::to_string(picture.height) + " pixels";
  if (picture.width < 1 || picture.height < 1 || pixels > ImageEncoder::kMostPixels) {
    return invalid_argument("image", "the picture has " + size + "; it may have 1 to " + std::to_string(ImageEncoder::kMostPixels));
  }
  if (picture.width / picture.height > ImageEncoder::kMostAspect || picture.height / picture.width > ImageEncoder::kMostAspect) {
    return invalid_argument("image", "the picture has " + size + "; one side may be at most " +
                                         std::to_string(ImageEncoder::kMostAspect) + " times as long as the other");
  }
  if (picture.rgb.size() == static_cast<std::size_t>(pixels) * 3) return {};
  return invalid_argument("image", std::to_string(picture.rgb.size()) + " bytes are not the pixels of a picture of " + size);
}

}  // namespace inferno
