#include "backends/fake/fake_path.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "backends/fake/byte_tokenizer.h"

namespace inferno {
namespace {

constexpr std::int64_t kMaxStepUs = 60'000'000;
constexpr std::int64_t kMaxVocab = 1'000'000;
constexpr std::int64_t kMaxEmbed = 65'536;
constexpr std::int64_t kMaxMedia = 65'536;

Result<std::int64_t> parse_number(std::string_view key, std::string_view text, std::int64_t low, std::int64_t high) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= low && number <= high) return number;
  return invalid_argument("model", "the test model's '" + std::string(key) + "' is '" + std::string(text) +
                                       "'; it must be a whole number from " + std::to_string(low) + " to " +
                                       std::to_string(high));
}

Status apply(FakePath& path, std::string_view key, std::string_view text) {
  std::int64_t low = 1;
  std::int64_t high = 1'000'000'000;
  if (key == "step_us") low = 0, high = kMaxStepUs;
  if (key == "vocab") low = ByteTokenizer::kMinVocab, high = kMaxVocab;
  if (key == "embed" || key == "labels") high = kMaxEmbed;
  if (key == "image" || key == "sound") high = kMaxMedia;
  if (key != "step_us" && key != "fail_after" && key != "embed" && key != "labels" && key != "repeat" && key != "vocab" &&
      key != "adapter" && key != "image" && key != "sound") {
    return invalid_argument("model", "the test model does not know '" + std::string(key) +
                                         "'; it knows step_us, fail_after, embed, labels, repeat, vocab, adapter, image and sound");
  }
  const Result<std::int64_t> number = parse_number(key, text, low, high);
  if (!number.ok()) return number.status();
  if (key == "step_us") path.step_us = number.value();
  if (key == "fail_after") path.fail_after = number.value();
  if (key == "embed") path.embed = static_cast<std::int32_t>(number.value());
  if (key == "labels") path.labels = static_cast<std::int32_t>(number.value());
  if (key == "repeat") path.repeat = static_cast<std::int32_t>(number.value());
  if (key == "image") path.image = static_cast<std::int32_t>(number.value());
  if (key == "sound") path.sound = static_cast<std::int32_t>(number.value());
  if (key == "adapter") path.adapter = static_cast<std::int32_t>(number.value());
  if (key == "vocab") path.vocab = static_cast<std::int32_t>(number.value());
  return {};
}

}  // namespace

Result<FakePath> parse_fake_path(std::string_view path) {
  FakePath parsed;
  path.remove_prefix(kFakePrefix.size());
  while (!path.empty()) {
    const std::string_view item = path.substr(0, path.find(','));
    path.remove_prefix(std::min(path.size(), item.size() + 1));
    const std::size_t equals = std::min(item.find('='), item.size());
    const std::string_view text = item.substr(std::min(equals + 1, item.size()));
    if (Status status = apply(parsed, item.substr(0, equals), text); !status.ok()) return status;
  }
  return parsed;
}

}  // namespace inferno
