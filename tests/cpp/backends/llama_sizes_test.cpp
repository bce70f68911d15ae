// How many slots, cells and tokens of context come out of what was asked, the model and the memory.
#include <gtest/gtest.h>

#include <utility>

#include "backends/llama/llama_options.h"
#include "base/host_limits.h"

namespace inferno {
namespace {

constexpr std::uint64_t kGiB = 1ULL << 30;

// 1,024 bytes a cell at f16: 4 layers, 2 heads of 32 + 32.
SizingFacts facts(std::int32_t trained, std::optional<std::uint64_t> memory = 64 * kGiB) {
  SizingFacts facts;
  facts.kv = KvShape{4, 2, 32, 32};
  facts.trained_context = trained;
  facts.memory = memory;
  return facts;
}

LlamaSizes chosen(const ModelOptions& options, const SizingFacts& given) {
  const Result<LlamaSizes> sizes = choose_sizes(options, given);
  EXPECT_TRUE(sizes.ok()) << sizes.status().message();
  return sizes.ok() ? sizes.value() : LlamaSizes{};
}

std::string refusal(const ModelOptions& options, const SizingFacts& given) {
  const Status status = choose_sizes(options, given).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  return status.message();
}

ModelOptions laid_out(const char* layout) {
  ModelOptions options;
  options.kv_layout = layout;
  return options;
}

ModelOptions per_sequence() { return laid_out("per_sequence"); }

TEST(LlamaSizes, EachHasACacheOfItsOwnWhereSeveralWholeContextsFit) {
  EXPECT_FALSE(chosen({}, facts(2048)).unified);
  EXPECT_EQ(chosen({}, facts(2048)).slots, 16);
  EXPECT_EQ(chosen({}, facts(512)).slots, 32);
  EXPECT_TRUE(chosen({}, facts(16384)).unified) << "two of them fit";
  ModelOptions asked;
  asked.context_tokens = 1024;
  asked.kv_tokens = 8192;
  EXPECT_EQ(chosen(asked, facts(131072)).slots, 8);
  EXPECT_FALSE(chosen(asked, facts(131072)).unified);
  asked.slots = 9;
  EXPECT_TRUE(chosen(asked, facts(131072)).unified) << "more sequences than whole contexts";
  SizingFacts recurrent = facts(2048);
  recurrent.recurrent = true;
  EXPECT_TRUE(chosen({}, recurrent).unified);
}

TEST(LlamaSizes, ACacheThatFindsNoMemoryIsRefused) {
  ModelOptions asked = laid_out("unified");
  asked.kv_tokens = 1 << 20;
  SizingFacts given = facts(2048);
  EXPECT_EQ(chosen(asked, given).kv_bytes, kGiB) << "what a cache takes is not known";
  given.kv_limit = kGiB;
  EXPECT_EQ(chosen(asked, given).kv_bytes, kGiB);
  given.kv_limit = kGiB - 1;
  const Status status = choose_sizes(asked, given).status();
  EXPECT_EQ(status.code(), StatusCode::kOutOfMemory);
  EXPECT_EQ(status.message(), "the KV cache would take 1024 MiB for 1048576 tokens, and 1023 MiB of memory are free; set kv_tokens, "
                              "context_tokens or slots lower");
}

TEST(LlamaSizes, RecurrentStatesTakeABoundedPartOfTheMemoryUnasked) {
  SizingFacts recurrent = facts(2048);
  recurrent.recurrent = true;
  const auto slots = [&](std::uint64_t state_bytes) {
    recurrent.state_bytes = state_bytes;
    return chosen({}, recurrent).slots;
  };
  EXPECT_EQ(slots(100 << 10), 64);
  EXPECT_EQ(slots(20 << 20), 12) << "256 MiB of states";
  EXPECT_EQ(slots(75 << 20), 4) << "as many as that in any case";
  EXPECT_EQ(slots(0), 16) << "a state of unknown size";
  recurrent.memory = kGiB;
  EXPECT_EQ(slots(75 << 20), 3) << "but no more than a quarter of the memory";
  EXPECT_EQ(slots(2 * kGiB), 1);
  ModelOptions asked;
  asked.slots = 40;
  EXPECT_EQ(chosen(asked, recurrent).slots, 40);
}

TEST(LlamaSizes, OneStreamIsToSpareSoThatSlotsCanChangePlaces) {
  EXPECT_EQ(chosen({}, facts(2048)).streams, 17);
  EXPECT_EQ(chosen({}, facts(2048)).all_cells(), 17 * 2048);
  ModelOptions alone = per_sequence();
  alone.slots = 1;
  EXPECT_EQ(chosen(alone, facts(2048)).streams, 1);
  EXPECT_EQ(chosen(laid_out("unified"), facts(2048)).streams, 64);
}

TEST(LlamaSizes, ASmallCommonCacheHasFewerSlots) {
  ModelOptions options = laid_out("unified");
  options.context_tokens = 512;
  options.kv_tokens = 512;
  EXPECT_EQ(chosen(options, facts(2048)).slots, 16);
  options.kv_tokens = 2048;
  EXPECT_EQ(chosen(options, facts(2048)).slots, 64);
  options.slots = 40;  // asked for
  options.kv_tokens = 512;
  EXPECT_EQ(chosen(options, facts(2048)).slots, 40);
}

TEST(LlamaSizes, UnifiedTakesTheTrainedContextAndABudgetForAll) {
  const LlamaSizes sizes = chosen(laid_out("unified"), facts(2048));
  EXPECT_EQ(sizes.slots, 64);
  EXPECT_EQ(sizes.context_tokens, 2048);
  EXPECT_EQ(sizes.kv_tokens, 32768);
  EXPECT_EQ(sizes.kv_bytes, 32768U * 1024);
}

TEST(LlamaSizes, ALongContextIsHeldWholeWhenMemoryAllows) {
  EXPECT_EQ(chosen({}, facts(131072)).kv_tokens, 131072);
  EXPECT_EQ(chosen({}, facts(131072)).context_tokens, 131072);
}

TEST(LlamaSizes, AQuarterOfTheMemoryIsTheMost) {
  const LlamaSizes sizes = chosen({}, facts(131072, 64ULL << 20));
  EXPECT_EQ(sizes.kv_tokens, 16384);
  EXPECT_EQ(sizes.context_tokens, 16384);
  EXPECT_EQ(chosen({}, facts(131072, 0)).kv_tokens, 256) << "never nothing";
  EXPECT_EQ(chosen(per_sequence(), facts(4096, 64ULL << 20)).kv_tokens, 16384);
}

TEST(LlamaSizes, WhatWasAskedForIsGivenWhateverTheMemory) {
  ModelOptions options;
  options.context_tokens = 100000;
  EXPECT_EQ(chosen(options, facts(131072, 64ULL << 20)).context_tokens, 100000);
  options = {};
  options.kv_tokens = 1000;
  EXPECT_EQ(chosen(options, facts(131072)).kv_tokens, 1024) << "rounded up to 256";
  EXPECT_EQ(chosen(options, facts(131072)).context_tokens, 1000);
}

TEST(LlamaSizes, PerSequenceGivesEachSlotTheSame) {
  const LlamaSizes sizes = chosen(per_sequence(), facts(131072));
  EXPECT_EQ(sizes.slots, 16);
  EXPECT_EQ(sizes.context_tokens, 2048);
  EXPECT_EQ(sizes.kv_tokens, 32768);
  ModelOptions options = per_sequence();
  options.slots = 3;
  options.context_tokens = 1000;
  EXPECT_EQ(chosen(options, facts(131072)).kv_tokens, 3 * 1024);
  options.kv_tokens = 5000;
  EXPECT_EQ(chosen(options, facts(131072)).kv_tokens, 3 * 1536) << "never more than asked";
}

TEST(LlamaSizes, RefusesSizesThatDoNotFitEachOther) {
  ModelOptions options;
  options.context_tokens = 4097;
  EXPECT_EQ(refusal(options, facts(4096)), "context_tokens is 4097; the model was trained with 4096");
  options.kv_tokens = 1024;
  EXPECT_EQ(refusal(options, facts(8192)), "context_tokens is 4097; it must not exceed kv_tokens, 1024");
  options = per_sequence();
  options.slots = 8;
  options.kv_tokens = 2047;
  EXPECT_EQ(refusal(options, facts(4096)),
            "kv_tokens is 2047; with kv_layout per_sequence, 8 slots and this context it must be at least 2048");
  options.context_tokens = 2147483647;
  options.kv_tokens = 0;
  EXPECT_NE(refusal(options, facts(0)).find("kv_tokens is 17179869184; the limit is"), std::string::npos);
}

TEST(LlamaSizes, RefusesAQuantizedCacheThatTheHeadsDoNotFit) {
  ModelOptions options;
  options.kv_type = "q8_0";
  EXPECT_EQ(chosen(options, facts(2048)).kv_bytes, 17U * 2048 * 544);
  SizingFacts narrow = facts(2048);
  narrow.kv.key_length = 16;
  EXPECT_EQ(refusal(options, narrow),
            "kv_type is 'q8_0', which needs heads of a multiple of 32 values; this model's have 16 and 32");
}

TEST(LlamaOptions, NamesWhatItRefuses) {
  const auto message = [](auto change) {
    ModelOptions options;
    change(options);
    return check_llama_options(options).message();
  };
  EXPECT_EQ(message([](auto&) {}), "");
  EXPECT_EQ(message([](auto& o) { o.kv_type = "q5"; }), "kv_type is 'q5'; it must be one of f32, f16, q8_0, q4_0");
  EXPECT_EQ(message([](auto& o) { o.flash_attention = "yes"; }),
            "flash_attention is 'yes'; it must be one of auto, on, off");
  EXPECT_EQ(message([](auto& o) { o.slots = 257; }), "slots is 257; it must be from 0 to 256");
  EXPECT_EQ(message([](auto& o) { o.threads = 513; }), "threads is 513; it must be from 0 to 512");
  EXPECT_EQ(message([](auto& o) { o.gpu_layers = -2; }), "gpu_layers is -2; it must be from -1 to 2147483647");
  EXPECT_EQ(message([](auto& o) {
              o.kv_type = "q4_0";
              o.flash_attention = "off";
            }),
            "flash_attention is 'off', but kv_type 'q4_0' needs it: use auto or on, or kv_type f16 or f32");
}

TEST(LlamaOptions, AContextIsMadeOfTheTypeAttentionAndThreadsThatWereAskedFor) {
  const auto made = [](auto change) {
    ModelOptions options;
    change(options);
    return llama_context_settings(options, chosen(options, facts(2048)));
  };
  for (const auto& [name, type] : {std::pair("f32", GGML_TYPE_F32), {"f16", GGML_TYPE_F16}, {"q8_0", GGML_TYPE_Q8_0}, {"q4_0", GGML_TYPE_Q4_0}}) {
    const llama_context_params params = made([&](auto& o) { o.kv_type = name; });
    EXPECT_EQ(params.type_k, type) << name;
    EXPECT_EQ(params.type_v, type) << name;
  }
  for (const auto& [name, type] : {std::pair("auto", LLAMA_FLASH_ATTN_TYPE_AUTO), {"on", LLAMA_FLASH_ATTN_TYPE_ENABLED}, {"off", LLAMA_FLASH_ATTN_TYPE_DISABLED}}) {
    EXPECT_EQ(made([&](auto& o) { o.flash_attention = name; }).flash_attn_type, type) << name;
  }
  EXPECT_EQ(made([](auto& o) { o.deterministic = true; }).flash_attn_type, LLAMA_FLASH_ATTN_TYPE_ENABLED);
  for (const std::int32_t threads : {0, 1, usable_cores() + 1}) {
    const llama_context_params params = made([&](auto& o) { o.threads = threads; });
    EXPECT_EQ(params.n_threads, threads == 0 ? usable_cores() : threads) << "0 is as many as there are cores";
    EXPECT_EQ(params.n_threads_batch, params.n_threads);
  }
}

TEST(LlamaOptions, ABatchOfOneRowStillHasRoomForEverySequence) {
  // llama.cpp asserts this, and an assertion there ends the process.
  ModelOptions options;
  options.batch_rows = 1;
  const llama_context_params params = llama_context_settings(options, chosen(options, facts(2048)));
  EXPECT_GE(params.n_batch, params.n_seq_max);
  EXPECT_GE(params.n_outputs_max, params.n_seq_max);
  EXPECT_EQ(params.n_ubatch, 1U);
  EXPECT_TRUE(params.swa_full);
}

}  // namespace
}  // namespace inferno
