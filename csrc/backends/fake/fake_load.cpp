// Turns ModelOptions into what the test model can hold, refusing what makes no sense.
#include <algorithm>
#include <initializer_list>

#include "backends/fake/fake_encoder.h"
#include "backends/fake/fake_model.h"

namespace inferno {
namespace {

constexpr std::int32_t kDefaultContext = 4096;
constexpr std::int32_t kDefaultKvTokens = 16384;
constexpr std::int32_t kDefaultSlots = 64;
constexpr std::int32_t kGuessingRows = 32;
constexpr std::int32_t kMaxSize = 1 << 24;  // cells and rows are allocated up front

Status check_size(const char* param, std::int32_t value, std::int32_t low) {
  if (value >= low && value <= kMaxSize) return {};
  return invalid_argument(param, std::string(param) + " is " + std::to_string(value) + "; it must be from " +
                                     std::to_string(low) + " to " + std::to_string(kMaxSize));
}

Result<Capabilities> choose_capabilities(const ModelOptions& options) {
  for (const Status& status : {check_size("context_tokens", options.context_tokens, 0),
                               check_size("kv_tokens", options.kv_tokens, 0), check_size("slots", options.slots, 0),
                               check_size("batch_rows", options.batch_rows, 1)}) {
    if (!status.ok()) return status;
  }
  if (options.kv_layout != "auto" && options.kv_layout != "unified" && options.kv_layout != "per_sequence") {
    return invalid_argument("kv_layout",
                            "kv_layout is '" + options.kv_layout + "'; it must be auto, unified or per_sequence");
  }
  Capabilities caps;
  caps.sharing = options.kv_layout == "per_sequence" ? PrefixSharing::kCopy : PrefixSharing::kAlias;
  caps.slots_apart = options.kv_layout == "per_sequence";
  caps.slots = options.slots > 0 ? options.slots : kDefaultSlots;
  caps.capacity_tokens = options.kv_tokens > 0 ? options.kv_tokens : std::max(kDefaultKvTokens, options.context_tokens);
  caps.context_tokens =
      options.context_tokens > 0 ? options.context_tokens : std::min(kDefaultContext, caps.capacity_tokens);
  caps.batch_rows = options.batch_rows;
  caps.logits_rows = std::max(caps.slots, std::min(kGuessingRows, caps.batch_rows));
  if (caps.context_tokens <= caps.capacity_tokens) return caps;
  return invalid_argument("context_tokens", "context_tokens is " + std::to_string(caps.context_tokens) +
                                                "; it must not exceed kv_tokens, " +
                                                std::to_string(caps.capacity_tokens));
}

}  // namespace

Result<std::unique_ptr<Model>> load_fake_model(std::string_view path, const ModelOptions& options) {
  const Result<FakePath> parsed = parse_fake_path(path);
  if (!parsed.ok()) return parsed.status();
  const Result<Capabilities> caps = choose_capabilities(options);
  if (!caps.ok()) return caps.status();
  if (parsed.value().embed > 0 && !options.media_encoder.empty()) {
    return invalid_argument("mmproj", "a media encoder is given, but the model embeds text and takes no pictures and no sounds");
  }
  Capabilities caps_with_media = caps.value();
  std::unique_ptr<FakeMedia> media;
  if (!options.media_encoder.empty()) {
    const bool named = options.media_encoder.starts_with(kFakePrefix);
    const Result<FakePath> encoder = parse_fake_path(named ? options.media_encoder : kFakePrefix);
    if (!encoder.ok()) return encoder.status();
    if (encoder.value().image == 0 && encoder.value().sound == 0) {
      return invalid_argument("mmproj", "the test model's media encoders are called fake:image=ROWS, fake:sound=ROWS or fake:image=ROWS,sound=ROWS");
    }
    media = std::make_unique<FakeMedia>(encoder.value().image, encoder.value().sound);
    caps_with_media.media_width = FakeMedia::kWidth;
    caps_with_media.pictures = media->takes_pictures();
    caps_with_media.sounds = media->takes_sounds();
  }
  if (options.progress && !options.progress(1.0F)) return Status(StatusCode::kCancelled, "loading was given up");
  if (parsed.value().embed > 0 || parsed.value().labels > 0) {
    return std::unique_ptr<Model>(std::make_unique<FakeEncoder>(parsed.value(), caps.value()));
  }
  return std::unique_ptr<Model>(std::make_unique<FakeModel>(parsed.value(), caps_with_media, std::move(media)));
}

}  // namespace inferno
