// MediaEncoder: what makes a model's input of a picture or a sound. Beside a Model, which takes the rows in like tokens.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/media_rows.h"
#include "base/result.h"

namespace inferno {

// Pixels row by row from the top, three bytes each: red, green, blue.
struct Picture {
  std::int32_t width = 0;
  std::int32_t height = 0;
  std::span<const std::uint8_t> rgb;  // width * height * 3
};

// How one sample is written, in as many bytes as bytes_of() says, the lowest first.
enum class SampleForm { kInt16, kInt24, kInt32, kFloat32 };

[[nodiscard]] constexpr std::size_t bytes_of(SampleForm form) {
  return form == SampleForm::kInt16 ? 2 : form == SampleForm::kInt24 ? 3 : 4;
}

// What was recorded, moment by moment, each with a sample of every channel.
struct Sound {
  std::int32_t rate = 0;      // moments in a second
  std::int32_t channels = 0;  // 1 or 2
  SampleForm form = SampleForm::kInt16;
  std::span<const std::uint8_t> samples;
};

// A piece of what stands for a picture or a sound in a prompt: tokens of the model's vocabulary (marks around it), or rows.
using MediaPiece = std::variant<std::vector<TokenId>, MediaRowsPtr>;

class MediaEncoder {
 public:
  virtual ~MediaEncoder() = default;

  // The kind of it, as the file calls it.
  [[nodiscard]] virtual const std::string& kind() const = 0;
  [[nodiscard]] virtual bool takes_pictures() const = 0;
  [[nodiscard]] virtual bool takes_sounds() const = 0;

  // In the order of the prompt; at least one piece has rows, with an id of their own. Thread-safe; one picture or sound is
  // computed at a time, others wait. What check_picture() or check_sound() refuses, and samples that are no numbers:
  // kInvalidArgument. kUnsupported for what it does not take. kUnavailable when there are no ids left, kInternal.
  [[nodiscard]] virtual Result<std::vector<MediaPiece>> encode(const Picture& picture) = 0;
  [[nodiscard]] virtual Result<std::vector<MediaPiece>> encode(const Sound& sound) = 0;

  static constexpr std::int64_t kMostPixels = 64'000'000;
  static constexpr std::int32_t kMostAspect = 100;
  static constexpr std::int32_t kLowestRate = 4'000;
  static constexpr std::int32_t kHighestRate = 192'000;
  static constexpr std::int32_t kMostSeconds = 300;
  static constexpr std::int32_t kShortestPart = 10;  // of a second: in less, some encoders find no window and abort
};

// The refusals every encoder makes. A picture's own fault: kInvalidArgument.
[[nodiscard]] inline Status check_picture(const Picture& picture) {
  const std::int64_t pixels = std::int64_t{picture.width} * picture.height;
  const std::string size = std::to_string(picture.width) + " x " + std::to_string(picture.height) + " pixels";
  if (picture.width < 1 || picture.height < 1 || pixels > MediaEncoder::kMostPixels) {
    return invalid_argument("image", "the picture has " + size + "; it may have 1 to " + std::to_string(MediaEncoder::kMostPixels));
  }
  if (picture.width / picture.height > MediaEncoder::kMostAspect || picture.height / picture.width > MediaEncoder::kMostAspect) {
    return invalid_argument("image", "the picture has " + size + "; one side may be at most " +
                                         std::to_string(MediaEncoder::kMostAspect) + " times as long as the other");
  }
  if (picture.rgb.size() == static_cast<std::size_t>(pixels) * 3) return {};
  return invalid_argument("image", std::to_string(picture.rgb.size()) + " bytes are not the pixels of a picture of " + size);
}

// A sound's own fault: kInvalidArgument.
[[nodiscard]] inline Status check_sound(const Sound& sound) {
  if (sound.channels != 1 && sound.channels != 2) {
    return invalid_argument("audio", "the sound has " + std::to_string(sound.channels) + " channels; it may have 1 or 2");
  }
  if (sound.rate < MediaEncoder::kLowestRate || sound.rate > MediaEncoder::kHighestRate) {
    return invalid_argument("audio", "the sound has " + std::to_string(sound.rate) + " samples in a second; it may have " +
                                         std::to_string(MediaEncoder::kLowestRate) + " to " + std::to_string(MediaEncoder::kHighestRate));
  }
  const std::size_t moment = bytes_of(sound.form) * static_cast<std::size_t>(sound.channels);
  const std::size_t moments = sound.samples.size() / moment;
  const auto rate = static_cast<std::size_t>(sound.rate);
  if (sound.samples.size() % moment != 0) {
    return invalid_argument("audio", std::to_string(sound.samples.size()) + " bytes are not whole samples of " + std::to_string(moment) + " bytes");
  }
  if (moments >= rate / MediaEncoder::kShortestPart && moments <= rate * MediaEncoder::kMostSeconds) return {};
  return invalid_argument("audio", "the sound has " + std::to_string(moments) + " samples, " + std::to_string(rate) +
                                       " in a second; it may last 0.1 to " + std::to_string(MediaEncoder::kMostSeconds) + " seconds");
}

}  // namespace inferno
