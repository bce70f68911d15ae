#include "output/sequence_text.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "output/piece_tokenizer.h"

namespace inferno {
namespace {

using Tokens = std::vector<TokenId>;

// Pushes pieces 0, 1, 2, ... one by one; remembers the delta of each.
class Playback {
 public:
  Playback(std::vector<std::string> pieces, std::vector<std::string> stops, bool keep = false)
      : tokenizer_(pieces), request_(asking(std::move(stops), keep)), text_(tokenizer_, request_) {
    for (TokenId token = 0; token < tokenizer_.vocab_size() && !matched; ++token) {
      OutputDelta delta;
      matched = text_.push(token, TokenLogprob{token, -1.0f, {}}, delta);
      add(std::move(delta));
    }
  }

  void finish() {
    OutputDelta delta;
    matched = text_.finish(delta);
    add(std::move(delta));
  }

  [[nodiscard]] std::size_t consumed() const { return text_.consumed(); }

  bool matched = false;
  std::vector<std::string> texts;
  std::vector<Tokens> tokens;
  std::string whole;
  Tokens all;
  std::optional<std::string> stop;

 private:
  static Request asking(std::vector<std::string> stops, bool keep) {
    Request request;
    request.stop = std::move(stops);
    request.keep_stop_text = keep;
    return request;
  }

  void add(OutputDelta delta) {
    ASSERT_EQ(delta.logprobs.size(), delta.tokens.size());
    for (std::size_t i = 0; i < delta.tokens.size(); ++i) EXPECT_EQ(delta.logprobs[i].token, delta.tokens[i]);
    texts.push_back(delta.text);
    tokens.push_back(delta.tokens);
    whole += delta.text;
    all.insert(all.end(), delta.tokens.begin(), delta.tokens.end());
    stop = delta.matched_stop;
  }

  PieceTokenizer tokenizer_;
  Request request_;
  SequenceText text_;
};

TEST(SequenceText, PlainTokensPassAtOnceAndKeepTheirLeadingSpace) {
  const Playback run({" Hello", ",", "", " world"}, {});
  EXPECT_EQ(run.texts, (std::vector<std::string>{" Hello", ",", "", " world"}));
  EXPECT_EQ(run.tokens, (std::vector<Tokens>{{0}, {1}, {2}, {3}}));
}

TEST(SequenceText, ATokenWaitsForTheCharacterItBegins) {
  const Playback run({"a\xF0\x9F", "\x98", "\x80", "b"}, {});
  EXPECT_EQ(run.texts, (std::vector<std::string>{"a", "", "\xF0\x9F\x98\x80", "b"}));
  EXPECT_EQ(run.tokens, (std::vector<Tokens>{{}, {}, {0, 1, 2}, {3}}));
}

TEST(SequenceText, AnInterruptedCharacterReleasesItsToken) {
  Playback run({"\xE2\x82", "\xF0", "x"}, {});
  EXPECT_EQ(run.texts, (std::vector<std::string>{"", "\xEF\xBF\xBD", "\xEF\xBF\xBDx"}));
  EXPECT_EQ(run.tokens, (std::vector<Tokens>{{}, {0}, {1, 2}}));
}

TEST(SequenceText, TokensOfHeldBackTextAreHeldBackToo) {
  const Playback run({"one", " EN", "ough"}, {" END"});
  EXPECT_EQ(run.texts, (std::vector<std::string>{"one", "", " ENough"}));
  EXPECT_EQ(run.tokens, (std::vector<Tokens>{{0}, {}, {1, 2}}));
}

TEST(SequenceText, AStopDropsTheTokensItIsMadeOf) {
  const Playback run({"one", "E", "N", "D", "two"}, {"END"});
  EXPECT_TRUE(run.matched);
  EXPECT_EQ(run.stop, "END");
  EXPECT_EQ(run.whole, "one");
  EXPECT_EQ(run.all, (Tokens{0}));
  EXPECT_EQ(run.consumed(), 4u);
}

TEST(SequenceText, ATokenThatReachesIntoTheStopIsTold) {
  const Playback run({"one", " twoE", "NDx"}, {"END"});
  EXPECT_EQ(run.whole, "one two");
  EXPECT_EQ(run.all, (Tokens{0, 1}));
}

TEST(SequenceText, TokensOfACharacterBeforeTheStopAreTold) {
  const Playback run({"a\xF0\x9F", "\x98", "\x80" "EN", "D"}, {"END"});
  EXPECT_EQ(run.tokens, (std::vector<Tokens>{{}, {}, {0, 1}, {2}}));
  EXPECT_EQ(run.whole, "a\xF0\x9F\x98\x80");
}

TEST(SequenceText, TokensOfACharacterInTheStopAreDropped) {
  const Playback run({"a", "\xC3", "\xA9"}, {"é"});
  EXPECT_EQ(run.whole, "a");
  EXPECT_EQ(run.all, Tokens{0});
}

TEST(SequenceText, KeepTellsTheTokensOfTheStopToo) {
  const Playback run({"one", "E", "ND two"}, {"END"}, true);
  EXPECT_EQ(run.whole, "oneEND");
  EXPECT_EQ(run.all, (Tokens{0, 1, 2}));
  EXPECT_EQ(run.stop, "END");
}

TEST(SequenceText, AStopMayEndInACharacterOfSeveralTokens) {
  const Playback run({"a", "x\xC3", "\xA9\xE2", "\x82"}, {"xé"}, true);
  EXPECT_EQ(run.whole, "axé");
  EXPECT_EQ(run.all, (Tokens{0, 1, 2}));
  EXPECT_EQ(run.consumed(), 3u);
}

TEST(SequenceText, FinishGivesAllThatIsHeldBack) {
  Playback run({"one", " EN"}, {" END"});
  run.finish();
  EXPECT_FALSE(run.matched);
  EXPECT_EQ(run.whole, "one EN");
  EXPECT_EQ(run.all, (Tokens{0, 1}));
}

TEST(SequenceText, FinishReplacesAnIncompleteCharacter) {
  Playback run({"one\xE2\x82"}, {});
  EXPECT_EQ(run.texts.back(), "one");
  EXPECT_EQ(run.tokens.back(), Tokens{});
  run.finish();
  EXPECT_EQ(run.texts.back(), "\xEF\xBF\xBD");
  EXPECT_EQ(run.tokens.back(), Tokens{0});
}

TEST(SequenceText, EvenTheReplacementCanCompleteAStop) {
  Playback run({"one", " \xE2\x82"}, {" \xEF\xBF\xBD"});
  run.finish();
  EXPECT_TRUE(run.matched);
  EXPECT_EQ(run.whole, "one");
  EXPECT_EQ(run.all, Tokens{0});
}

TEST(SequenceTextTest, OnlySpecialTokensThatAreShownHaveText) {
  const PieceTokenizer tokenizer({"a", "", ""}, {{1, "<mark>"}, {2, "<other>"}});
  Request request;
  request.shown_tokens = {1};
  SequenceText text(tokenizer, request);
  OutputDelta delta;
  for (const TokenId token : {0, 1, 2, 0}) ASSERT_FALSE(text.push(token, std::nullopt, delta));
  EXPECT_EQ(delta.text, "a<mark>a");
  EXPECT_EQ(delta.tokens, (Tokens{0, 1, 2, 0}));
}

}  // namespace
}  // namespace inferno
