// Pictures in prompts: what follows depends on them, the same one is reused, and another never stands in for it.
#include <gtest/gtest.h>

#include "engine/running.h"

namespace inferno {
namespace {

constexpr std::int32_t kRows = 40;  // of a picture: more than two blocks

ModelOptions seeing(const char* layout = "auto") {
  ModelOptions options;
  options.media_encoder = "fake:image=" + std::to_string(kRows);
  options.kv_layout = layout;
  return options;
}

std::vector<MediaPiece> encoded(Running& engine, std::uint8_t shade) {
  const std::vector<std::uint8_t> rgb(12, shade);
  return engine.model->media()->encode({2, 2, rgb}).value();
}

// "ab", the picture, "yz".
Request asking(const Running& engine, const std::vector<MediaPiece>& pieces, std::int32_t max_tokens = 30) {
  Request request = engine.request("ab", max_tokens);
  for (const MediaPiece& piece : pieces) {
    if (const auto* rows = std::get_if<MediaRowsPtr>(&piece)) {
      request.media.push_back({static_cast<std::int32_t>(request.prompt.size()), *rows});
      request.prompt.insert(request.prompt.end(), static_cast<std::size_t>((*rows)->count), (*rows)->id);
    } else {
      const auto& tokens = std::get<std::vector<TokenId>>(piece);
      request.prompt.insert(request.prompt.end(), tokens.begin(), tokens.end());
    }
  }
  request.prompt.insert(request.prompt.end(), {'y', 'z'});
  return request;
}

TEST(EngineMedia, ThePictureDecidesWhatFollows) {
  std::string red, blue;
  for (const std::uint8_t shade : {std::uint8_t{10}, std::uint8_t{200}}) {
    Running one("fake:", seeing());
    const Collected got = one.run(asking(one, encoded(one, shade)));
    EXPECT_EQ(got.usage.prompt_tokens, 2 + 1 + kRows + 1 + 2);
    (shade == 10 ? red : blue) = got.text;
  }
  EXPECT_NE(red, blue);
  Running again("fake:", seeing());
  static_cast<void>(encoded(again, 99));  // so that the ids are others
  EXPECT_EQ(again.run(asking(again, encoded(again, 10))).text, red);
}

TEST(EngineMedia, TheSamePictureIsReusedAndAnotherIsNot) {
  for (const char* layout : {"unified", "per_sequence"}) {
    Running engine("fake:", seeing(layout));
    const auto red = encoded(engine, 10), blue = encoded(engine, 200);
    const Collected first = engine.run(asking(engine, red));
    EXPECT_EQ(first.usage.cached_tokens, 0);
    const Collected other = engine.run(asking(engine, blue));
    // Where prefixes are shared to the token: "ab[", and not one row.
    EXPECT_LE(other.usage.cached_tokens, 3) << layout;
    const Collected again = engine.run(asking(engine, red));
    EXPECT_GE(again.usage.cached_tokens, 32) << layout;
    EXPECT_EQ(again.text, first.text);
    EXPECT_NE(other.text, first.text);
  }
}

TEST(EngineMedia, NeighboursChangeNothing) {
  std::vector<std::string> alone;
  for (int i = 0; i < 3; ++i) {
    Running one("fake:", seeing());
    alone.push_back(one.run(i == 2 ? one.request("only words") : asking(one, encoded(one, static_cast<std::uint8_t>(i)), 40)).text);
  }
  Running all("fake:", seeing());
  const std::vector<std::vector<MediaPiece>> pictures = {encoded(all, 0), encoded(all, 1)};
  std::vector<RequestId> ids;
  for (std::size_t i = 0; i < 12; ++i) {
    ids.push_back(all.engine->submit(i % 3 == 2 ? all.request("only words") : asking(all, pictures[i % 3], 40)).value());
  }
  all.sink.wait_finished(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) EXPECT_EQ(all.sink.of(ids[i]).text, alone[i % 3]) << i;
}

TEST(EngineMedia, SetAsideItGoesOnWithItsPicture) {
  ModelOptions options = seeing();
  std::string alone;
  {
    Running one("fake:", options);
    alone = one.run(asking(one, encoded(one, 10), 120)).text;
  }
  options.kv_tokens = 256;
  options.context_tokens = 256;
  EngineConfig config;
  config.host_cache_bytes = 0;
  Running tight("fake:", options, config);
  const auto red = encoded(tight, 10);
  std::vector<RequestId> ids;
  for (int i = 0; i < 3; ++i) {
    Request request = asking(tight, red, 120);
    request.tenant = std::string(1, static_cast<char>('a' + i));  // nothing is shared
    ids.push_back(tight.engine->submit(request).value());
  }
  tight.sink.wait_finished(ids.size());
  EXPECT_GT(tight.engine->stats().scheduler.preemptions, 0U);
  for (const RequestId id : ids) EXPECT_EQ(tight.sink.of(id).text, alone);
}

TEST(EngineMedia, HostMemoryKeepsThemAndNothingElseDoes) {
  ModelOptions small = seeing();
  small.kv_tokens = 1024;
  small.context_tokens = 512;
  small.slots = 2;
  EngineConfig config;
  config.host_cache_bytes = 1 << 20;
  config.export_prefixes = true;
  Running engine("fake:", small, config);
  const auto red = encoded(engine, 10);
  Request request = asking(engine, red);
  const auto more = engine.request(std::string(100, 'm')).prompt;
  request.prompt.insert(request.prompt.end(), more.begin(), more.end());
  const std::string text = engine.run(request).text;
  for (const char letter : {'a', 'b', 'c', 'd'}) engine.run(engine.request(std::string(300, letter)));
  EXPECT_GE(engine.engine->saved_tokens(request.tenant, request.prompt), 128);
  const Collected again = engine.run(request);
  EXPECT_GE(again.usage.cached_tokens, 128);
  EXPECT_EQ(again.text, text);
  EXPECT_EQ(engine.engine->restore(request.tenant, std::span(request.prompt).first(16), std::vector<std::byte>(16)).code(),
            StatusCode::kInvalidArgument);
  engine.engine->stop();
  std::size_t exported = 0;
  for (auto batch = engine.engine->take_exported(); !batch.empty(); batch = engine.engine->take_exported()) {
    for (const SavedPrefixPtr& prefix : batch) {
      ++exported;
      EXPECT_TRUE(std::none_of(prefix->tokens.begin(), prefix->tokens.end(), is_media));
    }
  }
  EXPECT_GT(exported, 0U);
}

TEST(EngineMedia, GuessesAreNeverPictures) {
  EngineConfig config;
  config.speculate = "ngram";
  Running guessing("fake:repeat=20", seeing(), config);
  Running plain("fake:repeat=20", seeing());
  for (const std::uint8_t shade : {std::uint8_t{1}, std::uint8_t{2}, std::uint8_t{3}}) {
    EXPECT_EQ(guessing.run(asking(guessing, encoded(guessing, shade), 100)).text, plain.run(asking(plain, encoded(plain, shade), 100)).text);
  }
  EXPECT_GT(guessing.engine->stats().speculation.drafted, 0U);
}

TEST(EngineMedia, CancelledItLeavesNothingBehind) {
  Running engine("fake:step_us=2000", seeing());
  const RequestId id = engine.engine->submit(asking(engine, encoded(engine, 10), 1000)).value();
  engine.sink.wait_started(id);
  engine.engine->cancel(id);
  engine.sink.wait_finished(1);
  EXPECT_EQ(engine.sink.of(id).finish, FinishReason::kCancelled);
}

TEST(EngineMedia, PicturesThatDoNotStandWhereTheRequestSaysAreRefused) {
  Running engine("fake:", seeing());
  const Request good = asking(engine, encoded(engine, 10));
  const auto refused = [&](auto&& change) {
    Request request = good;
    change(request);
    return engine.engine->submit(std::move(request)).status().code();
  };
  EXPECT_EQ(refused([](Request& r) { r.media.clear(); }), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused([](Request& r) { ++r.media[0].first; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused([](Request& r) { r.media[0].first = -1; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused([](Request& r) { r.media[0].first = 1 << 30; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused([](Request& r) { r.media.push_back(r.media[0]); }), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused([](Request& r) { r.media[0].rows = nullptr; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused([](Request& r) { r.prompt[5] = 'x'; }), StatusCode::kInvalidArgument);
  EXPECT_EQ(refused([](Request& r) { r.prompt[0] = r.media[0].rows->id; }), StatusCode::kInvalidArgument);
  Running blind;
  EXPECT_EQ(blind.model->media(), nullptr);
  EXPECT_EQ(blind.engine->submit(good).status().code(), StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace inferno
