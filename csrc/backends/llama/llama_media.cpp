#include "backends/llama/llama_media.h"

#include <mtmd.h>

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <utility>

#include "backends/llama/gguf_check.h"
#include "backends/llama/llama_handles.h"
#include "backends/llama/llama_runtime.h"
#include "backends/llama/sound_samples.h"
#include "backends/shown.h"
#include "base/host_limits.h"
#include "memory/mapped_file.h"

namespace inferno {
namespace {

constexpr const char* kKind = "clip.projector_type";
constexpr const char* kVisionKind = "clip.vision.projector_type";
constexpr const char* kAudioKind = "clip.audio.projector_type";
// They ask where in the prompt a picture stands, or which one it is, when it is encoded.
constexpr const char* kNotAlike[] = {"hunyuanvl", "deepseek4v"};
// They cut sounds into windows of a fixed length. Others compute a recording in one go, with memory that grows as the square
// of its length, or abort on what is left of one at the end; and some are no model's ears, but part of its voice.
constexpr const char* kHearing[] = {"ultravox", "voxtral", "qwen2a", "qwen3a", "glma", "meralion", "musicflamingo"};

Status unsupported(const std::string& kind, const std::string& why) {
  return Status(StatusCode::kUnsupported, "the media encoder is of the kind " + shown(kind) + ", " + why, "mmproj");
}

std::string text_of(const gguf_context* file, const char* key) {
  const std::int64_t id = gguf_find_key(file, key);
  return id < 0 || gguf_get_kv_type(file, id) != GGUF_TYPE_STRING ? "" : gguf_get_val_str(file, id);
}

// What the encoder calls itself: for all, or apart for what it does with pictures and with sounds.
struct Kinds {
  std::string pictures;
  std::string sounds;
};

// Of a file that was looked over.
Result<Kinds> kinds_of(const std::string& path) {
  const Result<MappedFile> file = MappedFile::open(path);
  if (!file.ok()) return file.status();
  const auto bytes = file.value().bytes();
  const auto refused = [&](const std::string& why) {
    const std::string name = std::filesystem::path(path).filename().string();
    return Status(StatusCode::kDataCorrupted, "'" + name + "' cannot be used as a media encoder: " + why, "mmproj");
  };
  if (const Status status = check_gguf(bytes); !status.ok()) return refused(status.message());
  const GgufHandle keys(gguf_init_from_buffer(bytes.data(), bytes.size(), {.no_alloc = true, .ctx = nullptr}));
  if (!keys) return refused("llama.cpp cannot read its keys");
  const std::string architecture = text_of(keys.get(), "general.architecture");
  if (architecture != "clip") return refused("its 'general.architecture' is " + shown(architecture) + "; it must be 'clip'");
  const std::string kind = text_of(keys.get(), kKind);
  if (!kind.empty()) return Kinds{kind, kind};
  return Kinds{text_of(keys.get(), kVisionKind), text_of(keys.get(), kAudioKind)};
}

struct MtmdFree {
  void operator()(mtmd_context* context) const { mtmd_free(context); }
  void operator()(mtmd_bitmap* bitmap) const { mtmd_bitmap_free(bitmap); }
  void operator()(mtmd_input_chunks* chunks) const { mtmd_input_chunks_free(chunks); }
};
using MtmdHandle = std::unique_ptr<mtmd_context, MtmdFree>;
using BitmapHandle = std::unique_ptr<mtmd_bitmap, MtmdFree>;

class LlamaMedia final : public MediaEncoder {
 public:
  // `sound_rate` is 0 where no sounds are taken.
  LlamaMedia(MtmdHandle context, std::string kind, std::int32_t width, std::int32_t sound_rate)
      : context_(std::move(context)), kind_(std::move(kind)), width_(width), sound_rate_(sound_rate) {}

  [[nodiscard]] const std::string& kind() const override { return kind_; }
  [[nodiscard]] bool takes_pictures() const override { return mtmd_support_vision(context_.get()); }
  [[nodiscard]] bool takes_sounds() const override { return sound_rate_ > 0; }

  Result<std::vector<MediaPiece>> encode(const Picture& picture) override {
    if (!takes_pictures()) return Status(StatusCode::kUnsupported, "this model takes no pictures", "image");
    if (Status status = check_picture(picture); !status.ok()) return status;
    return pieces_of(BitmapHandle(mtmd_bitmap_init(
        static_cast<std::uint32_t>(picture.width), static_cast<std::uint32_t>(picture.height), picture.rgb.data())));
  }

  Result<std::vector<MediaPiece>> encode(const Sound& sound) override {
    if (!takes_sounds()) return Status(StatusCode::kUnsupported, "this model takes no sounds", "audio");
    if (Status status = check_sound(sound); !status.ok()) return status;
    const Result<std::vector<float>> samples = samples_at(sound, sound_rate_);
    if (!samples.ok()) return samples.status();
    return pieces_of(BitmapHandle(mtmd_bitmap_init_from_audio(samples.value().size(), samples.value().data())));
  }

 private:
  Result<std::vector<MediaPiece>> pieces_of(const BitmapHandle& bitmap) {
    const std::unique_ptr<mtmd_input_chunks, MtmdFree> chunks(mtmd_input_chunks_init());
    static_cast<void>(take_llama_error());  // an older failure's line is not this one's reason
    const std::string marker = mtmd_default_marker();
    const mtmd_input_text text{marker.c_str(), marker.size(), false, true};
    const mtmd_bitmap* const bitmaps[] = {bitmap.get()};
    if (mtmd_tokenize(context_.get(), chunks.get(), &text, bitmaps, 1) != 0) return failed("divide the picture or sound");
    std::vector<MediaPiece> pieces;
    for (std::size_t i = 0; i < mtmd_input_chunks_size(chunks.get()); ++i) {
      Result<MediaPiece> piece = piece_of(mtmd_input_chunks_get(chunks.get(), i));
      if (!piece.ok()) return piece.status();
      pieces.push_back(std::move(piece).value());
    }
    return pieces;
  }

  static Status failed(const std::string& what) {
    return Status(StatusCode::kInternal, "llama.cpp did not " + what + ": " + take_llama_error());
  }

  Result<MediaPiece> piece_of(const mtmd_input_chunk* chunk) {
    if (mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT) {
      std::size_t count = 0;
      const llama_token* tokens = mtmd_input_chunk_get_tokens_text(chunk, &count);
      return MediaPiece(std::vector<TokenId>(tokens, tokens + count));
    }
    const std::size_t count = mtmd_input_chunk_get_n_tokens(chunk);
    if (count == 0 || static_cast<std::size_t>(mtmd_input_chunk_get_n_pos(chunk)) != count) {
      return Status(StatusCode::kInternal, "the rows of a picture or sound do not take a position each");
    }
    const std::lock_guard lock(computing_);
    if (next_id_ == kLastMedia) return Status(StatusCode::kUnavailable, "there are no more ids for pictures and sounds; restart the server");
    if (mtmd_encode_chunk(context_.get(), chunk) != 0) return failed("encode the picture or sound");
    const float* values = mtmd_get_output_embd(context_.get());
    auto rows = std::make_shared<MediaRows>();
    rows->id = next_id_--;
    rows->count = static_cast<std::int32_t>(count);
    rows->width = width_;
    rows->together = mtmd_decode_use_non_causal(context_.get(), chunk);
    rows->values.assign(values, values + count * static_cast<std::size_t>(width_));
    return MediaPiece(MediaRowsPtr(std::move(rows)));
  }

  const MtmdHandle context_;
  const std::string kind_;
  const std::int32_t width_;
  const std::int32_t sound_rate_;
  std::mutex computing_;  // guards the context's computing and the ids
  TokenId next_id_ = kFirstMedia;
};

bool is_among(const std::string& kind, std::span<const char* const> kinds) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

bool hears(const mtmd_context* context, const Kinds& kinds) { return mtmd_support_audio(context) && is_among(kinds.sounds, kHearing); }

Status check_alike(const mtmd_context* context, const Kinds& kinds) {
  const std::string& kind = mtmd_support_vision(context) ? kinds.pictures : kinds.sounds;
  if (mtmd_decode_use_mrope(context)) return unsupported(kind, "whose model wants positions of several dimensions (M-RoPE), which is not computed");
  if (!mtmd_support_vision(context)) {
    return hears(context, kinds) ? Status() : unsupported(kind, "which takes no pictures, and sounds otherwise than in windows of one length, which is not computed");
  }
  if (is_among(kind, kNotAlike)) return unsupported(kind, "whose rows depend on where the picture stands, which is not computed");
  return {};
}

}  // namespace

Result<std::unique_ptr<MediaEncoder>> load_llama_media(const llama_model* model, const ModelOptions& options) {
  if (options.deterministic) {
    return invalid_argument("mmproj", "deterministic is on, and rows of pictures and sounds are not computed so; leave one of them out");
  }
  Result<Kinds> kinds = kinds_of(options.media_encoder);
  if (!kinds.ok()) return kinds.status();
  mtmd_context_params params = mtmd_context_params_default();
  params.use_gpu = options.gpu_layers != 0;
  params.print_timings = false;
  // The model goes on computing meanwhile, and its threads wait for each other.
  params.n_threads = std::max(1, (options.threads > 0 ? options.threads : usable_cores()) / 2);
  static_cast<void>(take_llama_error());  // an older failure's line is not this one's reason
  MtmdHandle context(mtmd_init_from_file(options.media_encoder.c_str(), model, params));
  if (!context) {
    const std::string why = take_llama_error();
    const bool other = why.find("mismatch between text model") != std::string::npos;
    return Status(other ? StatusCode::kInvalidArgument : StatusCode::kDataCorrupted,
                  "llama.cpp cannot load the media encoder" + (other ? ", which is another model's" : why.empty() ? "" : ": " + why), "mmproj");
  }
  if (Status status = check_alike(context.get(), kinds.value()); !status.ok()) return status;
  const std::int32_t rate = hears(context.get(), kinds.value()) ? mtmd_get_audio_sample_rate(context.get()) : 0;
  std::string kind = mtmd_support_vision(context.get()) ? kinds.value().pictures : kinds.value().sounds;
  return std::unique_ptr<MediaEncoder>(
      std::make_unique<LlamaMedia>(std::move(context), std::move(kind), llama_model_n_embd_inp(model), rate));
}

}  // namespace inferno
