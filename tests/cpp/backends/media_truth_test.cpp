// What a model says behind a picture or a sound is what libmtmd's own evaluation makes it say.
#include <gtest/gtest.h>
#include <llama.h>
#include <mtmd-helper.h>
#include <mtmd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <numbers>

#include "backends/backend_registry.h"
#include "backends/llama/sound_samples.h"

namespace inferno {
namespace {

constexpr std::int32_t kRate = 16'000;
constexpr std::int32_t kSide = 24;
constexpr float kTolerance = 2e-4F;
const std::vector<TokenId> kBefore = {70, 71, 72};
const std::vector<TokenId> kBehind = {73, 74, 75, 76};

using Row = std::vector<float>;

struct Case {
  const char* model;
  const char* encoder;
  bool sound;
};

std::vector<std::uint8_t> pixels() {
  std::vector<std::uint8_t> rgb;
  for (std::int32_t i = 0; i < kSide * kSide; ++i) {
    rgb.insert(rgb.end(), {static_cast<std::uint8_t>(i % 251), static_cast<std::uint8_t>(i / 3), static_cast<std::uint8_t>(255 - i % 97)});
  }
  return rgb;
}

std::vector<std::uint8_t> recording() {
  std::vector<std::uint8_t> bytes;
  for (std::int32_t i = 0; i < kRate; ++i) {
    const auto sample = static_cast<std::int16_t>(9'000 * std::sin(2 * std::numbers::pi * (300 + i / 50) * i / kRate));
    bytes.push_back(static_cast<std::uint8_t>(sample & 0xFF));
    bytes.push_back(static_cast<std::uint8_t>((sample >> 8) & 0xFF));
  }
  return bytes;
}

class MediaTruth : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const char* gguf = std::getenv("INFERNO_TEST_GGUF");
    if (gguf == nullptr) GTEST_SKIP() << "INFERNO_TEST_GGUF is not set: make models with tests/data/make_gguf.py and name one";
    const std::filesystem::path folder = std::filesystem::path(gguf).parent_path();
    model_ = (folder / GetParam().model).string();
    encoder_ = (folder / GetParam().encoder).string();
  }

  // By llama.cpp and libmtmd alone.
  Row theirs() const {
    const std::unique_ptr<llama_model, decltype(&llama_model_free)> model(
        llama_model_load_from_file(model_.c_str(), llama_model_default_params()), &llama_model_free);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = 256;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.n_threads = params.n_threads_batch = 1;
    const std::unique_ptr<llama_context, decltype(&llama_free)> context(llama_init_from_model(model.get(), params), &llama_free);
    const std::unique_ptr<mtmd_context, decltype(&mtmd_free)> media(
        mtmd_init_from_file(encoder_.c_str(), model.get(), mtmd_context_params_default()), &mtmd_free);
    const std::unique_ptr<mtmd_input_chunks, decltype(&mtmd_input_chunks_free)> chunks(mtmd_input_chunks_init(), &mtmd_input_chunks_free);
    const std::unique_ptr<mtmd_bitmap, decltype(&mtmd_bitmap_free)> bitmap(bitmap_of(), &mtmd_bitmap_free);
    const std::string marker = mtmd_default_marker();
    const mtmd_input_text text{marker.c_str(), marker.size(), false, true};
    const mtmd_bitmap* const bitmaps[] = {bitmap.get()};
    EXPECT_EQ(mtmd_tokenize(media.get(), chunks.get(), &text, bitmaps, 1), 0);
    llama_pos position = say(context.get(), kBefore, 0);
    for (std::size_t i = 0; i < mtmd_input_chunks_size(chunks.get()); ++i) {
      EXPECT_EQ(mtmd_helper_eval_chunk_single(media.get(), context.get(), mtmd_input_chunks_get(chunks.get(), i), position, 0, 128, false, &position), 0);
    }
    say(context.get(), kBehind, position);
    const float* logits = llama_get_logits_ith(context.get(), -1);
    return {logits, logits + llama_vocab_n_tokens(llama_model_get_vocab(model.get()))};
  }

  // By a Model, in one batch; or after another prompt with the first `shared` tokens in its cache.
  Row ours(std::int32_t shared = 0) const {
    ModelOptions options;
    options.media_encoder = encoder_;
    options.kv_type = "f32";
    options.flash_attention = "off";
    options.slots = 2;
    options.kv_layout = "unified";
    options.batch_rows = 128;
    options.context_tokens = 256;
    options.threads = 1;
    const auto loaded = load_model(model_, options);
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    if (!loaded.ok()) return {};
    const std::unique_ptr<Model>& model = loaded.value();
    ForwardBatch whole;
    for (const TokenId token : kBefore) whole.add(token, whole.rows(), SlotId{0}, false);
    const std::vector<std::uint8_t> bytes = GetParam().sound ? recording() : pixels();
    const auto pieces = GetParam().sound ? model->media()->encode(Sound{kRate, 1, SampleForm::kInt16, bytes})
                                         : model->media()->encode(Picture{kSide, kSide, bytes});
    EXPECT_TRUE(pieces.ok()) << pieces.status().message();
    for (const MediaPiece& piece : pieces.value()) add(whole, piece);
    for (const TokenId token : kBehind) whole.add(token, whole.rows(), SlotId{0}, token == kBehind.back());
    whole.complete();
    Result<Logits> logits = model->forward(whole);
    if (logits.ok() && shared > 0) {
      EXPECT_TRUE(model->share(SlotId{0}, SlotId{1}, shared).ok());
      ForwardBatch rest;
      for (std::size_t i = static_cast<std::size_t>(shared); i < whole.token.size(); ++i) rest.take(whole, i, whole.wants_logits[i] != 0);
      rest.complete();
      std::fill(rest.slot.begin(), rest.slot.end(), SlotId{1});
      logits = model->forward(rest);
    }
    EXPECT_TRUE(logits.ok()) << logits.status().message();
    return logits.ok() ? Row(logits.value().rows[0].begin(), logits.value().rows[0].end()) : Row{};
  }

  static float distance(const Row& a, const Row& b) {
    if (a.size() != b.size()) return INFINITY;
    float most = 0;
    for (std::size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
    return most;
  }

 private:
  static mtmd_bitmap* bitmap_of() {
    if (!GetParam().sound) return mtmd_bitmap_init(kSide, kSide, pixels().data());
    const std::vector<std::uint8_t> bytes = recording();
    const auto samples = samples_at({kRate, 1, SampleForm::kInt16, bytes}, kRate);
    return mtmd_bitmap_init_from_audio(samples.value().size(), samples.value().data());
  }

  static llama_pos say(llama_context* context, std::vector<TokenId> tokens, llama_pos position) {
    const auto count = static_cast<std::int32_t>(tokens.size());
    EXPECT_EQ(llama_decode(context, llama_batch_get_one(tokens.data(), count)), 0);
    return position + count;
  }

  static void add(ForwardBatch& batch, const MediaPiece& piece) {
    if (const auto* tokens = std::get_if<std::vector<TokenId>>(&piece)) {
      for (const TokenId token : *tokens) batch.add(token, batch.rows(), SlotId{0}, false);
      return;
    }
    const MediaRows& rows = *std::get<MediaRowsPtr>(piece);
    for (std::int32_t i = 0; i < rows.count; ++i) {
      batch.add_media_row(rows.row(i), rows.id, batch.rows(), SlotId{0}, false, kNoAdapter, rows.together);
    }
  }

  std::string model_;
  std::string encoder_;
};

TEST_P(MediaTruth, TheLogitsBehindAreTheSame) { EXPECT_LT(distance(ours(), theirs()), kTolerance); }

TEST_P(MediaTruth, ABeginningInTheCacheMayEndAnywhere) {
  const Row wanted = theirs();
  for (const std::int32_t shared : {2, 3, 5, 12}) EXPECT_LT(distance(ours(shared), wanted), kTolerance) << shared;
}

INSTANTIATE_TEST_SUITE_P(Encoders, MediaTruth,
                         ::testing::Values(Case{"llama-tiny.gguf", "mmproj-tiny.gguf", false}, Case{"llama-tiny.gguf", "mmproj-audio.gguf", true},
                                           Case{"llama-tiny.gguf", "mmproj-gemma3.gguf", false}));

}  // namespace
}  // namespace inferno
