// One suite for every backend: what backend.h promises.
#include "backends/contract_fixture.h"

#include <random>

namespace inferno::testing {
namespace {

constexpr SlotId kA{0};
constexpr SlotId kB{1};
constexpr SlotId kC{2};

TEST_P(BackendContract, CapabilitiesHonourTheOptions) {
  const Capabilities& caps = model_->capabilities();
  EXPECT_EQ(caps.slots, 6);
  EXPECT_EQ(caps.batch_rows, 64);
  EXPECT_EQ(caps.context_tokens, 200);
  EXPECT_EQ(caps.logits_rows, 32);
  EXPECT_GE(caps.capacity_tokens, caps.context_tokens);
  EXPECT_GT(caps.kv_bytes, 0U);
  EXPECT_EQ(caps.sharing, GetParam().kv_layout == "unified" ? PrefixSharing::kAlias : PrefixSharing::kCopy);
  EXPECT_EQ(model_->info().vocab_size, model_->tokenizer().vocab_size());
  EXPECT_FALSE(model_->info().description.empty());
}

TEST_P(BackendContract, ABatchGivesEachSequenceWhatItGetsAlone) {
  const std::vector<std::vector<TokenId>> prompts = {prompt(1, 9), prompt(2, 17), prompt(3, 5)};
  std::vector<Row> want;
  for (const auto& tokens : prompts) want.push_back(alone(tokens));
  expect_differs(want[0], want[1]);
  ForwardBatch batch;
  add(batch, kA, prompts[0]);
  add(batch, kB, prompts[1]);
  add(batch, kC, prompts[2]);
  const std::vector<Row> got = run(batch);
  ASSERT_EQ(got.size(), 3U);
  for (std::size_t i = 0; i < got.size(); ++i) expect_near(got[i], want[i]);
}

TEST_P(BackendContract, LogitsRowsComeInBatchOrder) {
  // The first slot's row stands last, and one slot asks twice: order is that of the batch, not of slots.
  const std::vector<TokenId> a = prompt(1, 6);
  const std::vector<TokenId> b = prompt(2, 4);
  ForwardBatch batch;
  for (std::size_t i = 0; i < b.size(); ++i) batch.add(b[i], static_cast<std::int32_t>(i), kB, i == 1 || i == 3);
  add(batch, kA, a);
  const std::vector<Row> got = run(batch);
  ASSERT_EQ(got.size(), 3U);
  expect_near(got[0], alone({b.begin(), b.begin() + 2}));
  expect_near(got[1], alone(b));
  expect_near(got[2], alone(a));
}

TEST_P(BackendContract, ABatchThatAsksForNothingGivesNothing) {
  ForwardBatch batch;
  batch.add(65, 0, kA, false);
  EXPECT_TRUE(run(batch).empty());
  expect_near(extend(kA, {65, 66}, 1), alone({65, 66}));
}

TEST_P(BackendContract, ChunkedPrefillEqualsOneShot) {
  const std::vector<TokenId> tokens = prompt(4, 50);
  const Row want = alone(tokens);
  ForwardBatch first;
  for (std::size_t i = 0; i < 31; ++i) first.add(tokens[i], static_cast<std::int32_t>(i), kA, false);
  run(first);
  expect_near(extend(kA, tokens, 31), want);
}

TEST_P(BackendContract, MixedPrefillAndDecodeRowsDoNotDisturbEachOther) {
  std::vector<TokenId> running = prompt(5, 20);
  extend(kA, running);
  running.push_back(70);
  const std::vector<TokenId> arriving = prompt(6, 40);
  ForwardBatch batch;
  add(batch, kA, running, 20);
  add(batch, kB, arriving);
  const std::vector<Row> got = run(batch);
  ASSERT_EQ(got.size(), 2U);
  expect_near(got[0], alone(running));
  expect_near(got[1], alone(arriving));
}

TEST_P(BackendContract, ShareThenContinueEqualsComputingAlone) {
  const std::vector<TokenId> source = prompt(7, 30);
  extend(kA, source);
  ASSERT_TRUE(model_->share(kA, kB, 19).ok());
  std::vector<TokenId> other(source.begin(), source.begin() + 19);
  for (const TokenId token : prompt(8, 6)) other.push_back(token);
  expect_near(extend(kB, other, 19), alone(other));
  // The source is untouched by what its sharer added.
  std::vector<TokenId> longer = source;
  longer.push_back(77);
  expect_near(extend(kA, longer, 30), alone(longer));
}

TEST_P(BackendContract, ASharedPrefixSurvivesItsSource) {
  const std::vector<TokenId> source = prompt(9, 30);
  extend(kA, source);
  ASSERT_TRUE(model_->share(kA, kB, 30).ok());
  ASSERT_TRUE(model_->share(kB, kC, 12).ok());
  ASSERT_TRUE(model_->drop(kA).ok());
  extend(kA, prompt(10, 30));
  std::vector<TokenId> longer = source;
  longer.push_back(66);
  expect_near(extend(kB, longer, 30), alone(longer));
  std::vector<TokenId> shorter(source.begin(), source.begin() + 12);
  shorter.push_back(67);
  expect_near(extend(kC, shorter, 12), alone(shorter));
}

TEST_P(BackendContract, CutThenContinueEqualsRecomputing) {
  const std::vector<TokenId> tokens = prompt(11, 25);
  extend(kA, tokens);
  ASSERT_TRUE(model_->cut(kA, 10).ok());
  std::vector<TokenId> other(tokens.begin(), tokens.begin() + 10);
  for (const TokenId token : prompt(12, 7)) other.push_back(token);
  const Row got = extend(kA, other, 10);
  expect_near(got, alone(other));
  expect_differs(got, alone(tokens));
}

TEST_P(BackendContract, WhatWasSavedAndLoadedGoesOnAsIfComputed) {
  if (!saves()) return;
  const std::vector<TokenId> tokens = prompt(22, 40);
  extend(kA, tokens);
  const std::vector<std::byte> bytes = saved(kA);
  ASSERT_TRUE(model_->drop(kA).ok());
  extend(kA, prompt(23, 60));  // other content in its place
  ASSERT_TRUE(model_->load(kB, 40, bytes).ok());
  std::vector<TokenId> longer = tokens;
  longer.push_back(77);
  expect_near(extend(kB, longer, 40), alone(longer));
  ASSERT_TRUE(model_->load(kC, 40, bytes).ok()) << "twice";
  ASSERT_TRUE(model_->cut(kC, 21).ok());
  std::vector<TokenId> other(tokens.begin(), tokens.begin() + 21);
  for (const TokenId token : prompt(24, 5)) other.push_back(token);
  expect_near(extend(kC, other, 21), alone(other));
}

TEST_P(BackendContract, ASharedPrefixIsSavedWithWhatItShares) {
  if (!saves()) return;
  const std::vector<TokenId> source = prompt(25, 30);
  extend(kA, source);
  ASSERT_TRUE(model_->share(kA, kB, 20).ok());
  std::vector<TokenId> tokens(source.begin(), source.begin() + 20);
  for (const TokenId token : prompt(26, 9)) tokens.push_back(token);
  extend(kB, tokens, 20);
  const std::vector<std::byte> bytes = saved(kB);
  ASSERT_TRUE(model_->drop(kA).ok());
  ASSERT_TRUE(model_->drop(kB).ok());
  ASSERT_TRUE(model_->load(kA, 29, bytes).ok());
  tokens.push_back(70);
  expect_near(extend(kA, tokens, 29), alone(tokens));
}

// Where sharing copies, llama.cpp copies late: until then neither end may be saved or loaded into.
TEST_P(BackendContract, SavingAndLoadingNeverMeetACopyThatIsNotDoneYet) {
  if (!saves()) return;
  const std::vector<TokenId> other = prompt(27, 12);
  extend(kC, other);
  const std::vector<std::byte> bytes = saved(kC);
  const std::vector<TokenId> source = prompt(28, 30);
  extend(kA, source);
  ASSERT_TRUE(model_->share(kA, kB, 30).ok());
  ASSERT_TRUE(model_->drop(kA).ok());
  const Status into_source = model_->load(kA, 12, bytes);
  if (!into_source.ok()) { EXPECT_EQ(into_source.code(), StatusCode::kUnavailable); }
  const Result<std::size_t> size = model_->saved_bytes(kB);
  ASSERT_TRUE(size.ok());
  std::vector<std::byte> copy(size.value());
  const Status saved_copy = model_->save(kB, copy);
  std::vector<TokenId> longer = source;
  longer.push_back(66);
  expect_near(extend(kB, longer, 30), alone(longer));
  if (!saved_copy.ok()) {
    EXPECT_EQ(saved_copy.code(), StatusCode::kUnavailable);
    EXPECT_FALSE(saved(kB).empty()) << "afterwards it can";
    return;
  }
  ASSERT_TRUE(model_->drop(kB).ok());
  ASSERT_TRUE(model_->load(kB, 30, copy).ok());
  expect_near(extend(kB, longer, 30), alone(longer));
}

TEST_P(BackendContract, RefusesToLoadWhatWasNotSaved) {
  if (!saves()) return;
  extend(kA, prompt(29, 40));
  const std::vector<std::byte> bytes = saved(kA);
  const auto refused = [&](std::vector<std::byte> changed, std::int32_t n) {
    const Status status = model_->load(kB, n, changed);
    EXPECT_EQ(status.code(), StatusCode::kDataCorrupted) << changed.size() << " bytes for " << n << " tokens";
    EXPECT_TRUE(model_->share(kA, kB, 0).ok()) << "the slot is empty still";
  };
  refused(bytes, 39);
  refused(bytes, 41);
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, bytes.size() / 2, bytes.size() - 1}) {
    refused({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}, 40);
  }
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  refused(longer, 40);
  EXPECT_EQ(model_->load(kA, 40, bytes).message(), "the slot to load into holds 40 tokens; it must be empty");
  EXPECT_EQ(model_->load(kB, 201, bytes).message(), "cannot load 201 tokens; a slot holds 1 to 200");
  std::vector<std::byte> room(3);
  EXPECT_EQ(model_->save(kA, room).code(), StatusCode::kInternal);
  const std::vector<TokenId> tokens = prompt(30, 8);
  expect_near(extend(kB, tokens), alone(tokens));
}

// What comes from outside is checked by digest before it gets here; should that ever fail, the process lives on.
TEST_P(BackendContract, NoByteOfWhatIsLoadedEndsTheProcess) {
  if (!saves()) return;
  extend(kA, prompt(31, 24));
  const std::vector<std::byte> bytes = saved(kA);
  std::mt19937 random(5);
  const std::size_t head = std::min<std::size_t>(bytes.size(), 600);
  for (std::size_t round = 0; round < 4 * head; ++round) {
    std::vector<std::byte> changed = bytes;
    const std::size_t at = round < 2 * head ? round / 2 : random() % bytes.size();
    changed[at] = round % 2 == 0 ? std::byte{0xFF} : changed[at] ^ static_cast<std::byte>(1 + random() % 255);
    (void)model_->load(kB, 24, changed);
    ASSERT_TRUE(model_->drop(kB).ok());
  }
  const std::vector<TokenId> tokens = prompt(32, 8);
  expect_near(extend(kB, tokens), alone(tokens));
}

TEST_P(BackendContract, ADroppedSlotStartsAnew) {
  extend(kA, prompt(13, 40));
  ASSERT_TRUE(model_->drop(kA).ok());
  ASSERT_TRUE(model_->drop(kA).ok()) << "dropping an empty slot is fine";
  const std::vector<TokenId> tokens = prompt(14, 8);
  expect_near(extend(kA, tokens), alone(tokens));
}

TEST_P(BackendContract, SpaceThatWasDroppedIsUsedAgain) {
  const std::int32_t turns = 3 * model_->capabilities().capacity_tokens / 60 + 1;
  const std::vector<TokenId> tokens = prompt(15, 60);
  for (std::int32_t i = 0; i < turns; ++i) {
    ASSERT_FALSE(extend(kA, tokens).empty()) << "turn " << i;
    ASSERT_TRUE(model_->drop(kA).ok());
  }
}

TEST_P(BackendContract, RefusesWhatBreaksTheContract) {
  extend(kA, prompt(16, 3));
  const auto refusal = [this](TokenId token, std::int32_t position, int slot) {
    ForwardBatch batch;
    batch.add(token, position, SlotId{slot}, true);
    const Result<Logits> logits = model_->forward(batch);
    EXPECT_EQ(logits.status().code(), StatusCode::kInternal);
    return logits.status().message();
  };
  const std::int32_t vocab = model_->tokenizer().vocab_size();
  EXPECT_EQ(refusal(-1, 3, 0), "token id -1 is not in [0, " + std::to_string(vocab) + ")");
  EXPECT_EQ(refusal(vocab, 3, 0),
            "token id " + std::to_string(vocab) + " is not in [0, " + std::to_string(vocab) + ")");
  EXPECT_EQ(refusal(65, 2, 0), "row 0 is at position 2 but the slot continues at 3");
  EXPECT_EQ(refusal(65, 4, 0), "row 0 is at position 4 but the slot continues at 3");
  EXPECT_EQ(refusal(65, 0, 6), "slot 6 is not in [0, 6)");
  EXPECT_EQ(refusal(65, 0, -1), "slot -1 is not in [0, 6)");
  EXPECT_EQ(model_->forward(ForwardBatch()).status().message(), "the batch has no rows");
}

TEST_P(BackendContract, RefusesABatchThatIsTooBigOrAsksTooMuch) {
  ForwardBatch big;
  for (std::int32_t i = 0; i < 65; ++i) big.add(65, i, kA, false);
  EXPECT_EQ(model_->forward(big).status().message(), "the batch has 65 rows; the limit is 64");
  ForwardBatch asking;
  for (std::int32_t i = 0; i < 33; ++i) asking.add(65, i, kA, true);
  EXPECT_EQ(model_->forward(asking).status().message(), "33 rows ask for logits; the limit is 32");
  ForwardBatch scattered;
  scattered.add(65, 0, kA, false);
  scattered.add(65, 0, kB, false);
  scattered.add(65, 1, kA, false);
  EXPECT_EQ(model_->forward(scattered).status().message(), "rows of one slot do not stand together");
  ForwardBatch ragged;
  ragged.add(65, 0, kA, false);
  ragged.position.clear();
  EXPECT_EQ(model_->forward(ragged).status().message(), "the arrays of the batch differ in length");
}

TEST_P(BackendContract, RefusesToLeaveTheContext) {
  const std::vector<TokenId> tokens = prompt(17, 200);
  for (std::size_t at = 0; at < 200; at += 50) {
    ForwardBatch batch;
    for (std::size_t i = at; i < at + 50; ++i) batch.add(tokens[i], static_cast<std::int32_t>(i), kA, false);
    run(batch);
  }
  ForwardBatch over;
  over.add(65, 200, kA, true);
  EXPECT_EQ(model_->forward(over).status().message(), "position 200 is beyond the context of 200");
}

TEST_P(BackendContract, RefusesWrongSharingAndCutting) {
  extend(kA, prompt(18, 10));
  extend(kB, prompt(19, 4));
  EXPECT_EQ(model_->share(kA, kB, 3).message(), "the slot to share into holds 4 tokens; it must be empty");
  EXPECT_EQ(model_->share(kA, kC, 11).message(), "cannot keep 11 tokens of a slot that holds 10");
  EXPECT_EQ(model_->share(kA, kA, 3).message(), "a slot cannot share with itself");
  EXPECT_EQ(model_->share(kA, SlotId{9}, 3).message(), "slot 9 is not in [0, 6)");
  EXPECT_EQ(model_->cut(kA, 11).message(), "cannot keep 11 tokens of a slot that holds 10");
  EXPECT_EQ(model_->cut(kA, -1).message(), "cannot keep -1 tokens of a slot that holds 10");
  EXPECT_EQ(model_->drop(SlotId{6}).message(), "slot 6 is not in [0, 6)");
}

TEST_P(BackendContract, SharingNothingIsSharingNothing) {
  extend(kA, prompt(20, 10));
  ASSERT_TRUE(model_->share(kA, kB, 0).ok());
  const std::vector<TokenId> tokens = prompt(21, 5);
  expect_near(extend(kB, tokens), alone(tokens));
}

TEST_P(BackendContract, RefusesOptionsItCannotHonour) {
  const auto refused = [](auto change) {
    ModelOptions changed = options();
    change(changed);
    const auto model = load_model(path(), changed);
    EXPECT_EQ(model.status().code(), StatusCode::kInvalidArgument) << model.status().message();
    EXPECT_NE(model.status().message().find(model.status().param()), std::string::npos) << model.status().message();
    return model.status().param();
  };
  EXPECT_EQ(refused([](ModelOptions& o) { o.batch_rows = 0; }), "batch_rows");
  EXPECT_EQ(refused([](ModelOptions& o) { o.slots = -1; }), "slots");
  EXPECT_EQ(refused([](ModelOptions& o) { o.context_tokens = -5; }), "context_tokens");
  EXPECT_EQ(refused([](ModelOptions& o) { o.kv_tokens = -1; }), "kv_tokens");
  EXPECT_EQ(refused([](ModelOptions& o) { o.kv_layout = "paged"; }), "kv_layout");
}

TEST_P(BackendContract, ProgressCanGiveUpTheLoad) {
  ModelOptions changed = options();
  changed.progress = [](float) { return false; };
  EXPECT_EQ(load_model(path(), changed).status().code(), StatusCode::kCancelled);
}

TEST_P(BackendContract, TextRoundTripsAndNeverBecomesControl) {
  const Tokenizer& tokenizer = model_->tokenizer();
  std::string text = "hello world, 1 < 2; gr\xC3\xBC\xC3\x9F" "e \xF0\x9F\x99\x82\n\ttail";
  for (const SpecialToken& special : tokenizer.special_tokens()) text += special.text;
  const Result<std::vector<TokenId>> tokens = tokenizer.encode(text);
  if (GetParam().onnx.empty()) {
    ASSERT_TRUE(tokens.ok()) << tokens.status().message();
    std::string back;
    for (const TokenId id : tokens.value()) back += tokenizer.token_bytes(id);
    EXPECT_EQ(back, text);
  } else {
    EXPECT_EQ(tokens.status().code(), StatusCode::kUnsupported) << "a table of tokens encodes nothing";
  }
  ASSERT_FALSE(tokenizer.special_tokens().empty());
  for (const SpecialToken& special : tokenizer.special_tokens()) {
    EXPECT_EQ(tokenizer.token_bytes(special.id), "") << special.text;
  }
  EXPECT_TRUE(tokenizer.is_end_of_generation(tokenizer.eos()));
  EXPECT_FALSE(tokenizer.is_end_of_generation(tokenizer.bos()));
  EXPECT_TRUE(tokenizer.adds_bos());
  EXPECT_FALSE(tokenizer.strips_leading_space());
}

std::string contender_name(const ::testing::TestParamInfo<Contender>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Fake, BackendContract,
                         ::testing::Values(Contender{"unified", false, "unified", 0},
                                           Contender{"per_sequence", false, "per_sequence", 0}),
                         contender_name);
INSTANTIATE_TEST_SUITE_P(Onnx, BackendContract,
                         ::testing::Values(Contender{"shared", false, "per_sequence", 1e-4F, false, "gqa"},
                                           Contender{"concatenated", false, "per_sequence", 1e-4F, false, "past"},
                                           Contender{"unpadded", false, "per_sequence", 1e-4F, false, "past-nopos"}),
                         contender_name);
#ifdef INFERNO_WITH_LLAMA
INSTANTIATE_TEST_SUITE_P(Llama, BackendContract,
                         ::testing::Values(Contender{"unified", true, "unified", 5e-3F},
                                           Contender{"per_sequence", true, "per_sequence", 5e-3F},
                                           Contender{"deterministic", true, "auto", 0, true}),
                         contender_name);
#endif

}  // namespace
}  // namespace inferno::testing
