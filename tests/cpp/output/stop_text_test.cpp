#include "output/stop_text.h"

#include <algorithm>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/status.h"

namespace inferno {
namespace {

using Strings = std::vector<std::string>;

TEST(StopText, WithoutStopsEverythingPasses) {
  StopText stop({}, false);
  const auto scan = stop.push("anything");
  EXPECT_EQ(scan.released, "anything");
  EXPECT_FALSE(scan.matched);
  EXPECT_EQ(stop.finish(), "");
}

TEST(StopText, CutsAtTheStopAndDropsWhatFollows) {
  StopText stop({"END"}, false);
  const auto scan = stop.push("one END two");
  EXPECT_EQ(scan.released, "one ");
  EXPECT_EQ(scan.matched, "END");
  EXPECT_EQ(stop.finish(), "");
}

TEST(StopText, KeepLeavesTheStopButNotWhatFollows) {
  StopText stop({"END"}, true);
  EXPECT_EQ(stop.push("one EN").released, "one ");
  const auto scan = stop.push("D two");
  EXPECT_EQ(scan.released, "END");
  EXPECT_EQ(scan.matched, "END");
}

TEST(StopText, HoldsBackTheLongestBeginningOfAnyStop) {
  StopText stop({"\n\n", "</tool>"}, false);
  EXPECT_EQ(stop.push("text </to").released, "text ");
  EXPECT_EQ(stop.push("ast\n").released, "</toast");
  EXPECT_EQ(stop.finish(), "\n");
  EXPECT_EQ(stop.finish(), "");
}

TEST(StopText, AFailedBeginningMayHideAnother) {
  StopText stop({"aab"}, false);
  EXPECT_EQ(stop.push("aa").released, "");
  EXPECT_EQ(stop.push("a").released, "a");
  const auto scan = stop.push("b");
  EXPECT_EQ(scan.released, "");
  EXPECT_EQ(scan.matched, "aab");
}

TEST(StopText, TheOneThatIsCompleteFirstWins) {
  StopText stop({"abcdef", "cd"}, false);
  const auto scan = stop.push("xabcdef");
  EXPECT_EQ(scan.released, "xab");
  EXPECT_EQ(scan.matched, "cd");
}

TEST(StopText, OfTwoThatEndTogetherTheLongerWins) {
  StopText stop({"cd", "abcd", "bcd"}, false);
  const auto scan = stop.push("xabcd");
  EXPECT_EQ(scan.released, "x");
  EXPECT_EQ(scan.matched, "abcd");
}

TEST(StopText, MultibyteStopsDoNotMatchNeighbours) {
  StopText stop({"é。"}, false);
  EXPECT_EQ(stop.push("è").released, "è");
  EXPECT_EQ(stop.push("é").released, "");
  EXPECT_EQ(stop.push("、").released, "é、");
  const auto scan = stop.push("é。");
  EXPECT_EQ(scan.matched, "é。");
  EXPECT_EQ(scan.released, "");
}

TEST(StopText, AnEmptyStopIsABug) { EXPECT_THROW(StopText({"a", ""}, false), InternalError); }

struct Expected {
  std::string released;
  std::optional<std::string> matched;
};

// The definition, said plainly: at each end, is the text so far ended by a stop?
Expected naive(const std::string& text, const Strings& stops, bool keep) {
  for (std::size_t end = 1; end <= text.size(); ++end) {
    const std::string head = text.substr(0, end);
    std::optional<std::string> longest;
    for (const std::string& stop : stops) {
      if (head.ends_with(stop) && (!longest || stop.size() > longest->size())) longest = stop;
    }
    if (longest) return {keep ? head : head.substr(0, end - longest->size()), longest};
  }
  return {text, std::nullopt};
}

// How much of the end of `text` may still become a stop.
std::size_t naive_held(const std::string& text, const Strings& stops) {
  for (std::size_t length = text.size(); length > 0; --length) {
    const std::string tail = text.substr(text.size() - length);
    for (const std::string& stop : stops) {
      if (length < stop.size() && stop.starts_with(tail)) return length;
    }
  }
  return 0;
}

class RandomText {
 public:
  explicit RandomText(unsigned seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_); }

  // Few different characters, so that beginnings, overlaps and matches are common. "é" and "è" share a byte.
  std::string text(std::size_t characters) {
    static const Strings kAlphabet = {"a", "b", "é", "è"};
    std::string made;
    for (std::size_t i = 0; i < characters; ++i) made += kAlphabet[below(kAlphabet.size())];
    return made;
  }

 private:
  std::mt19937 random_;
};

TEST(StopText, AgreesWithASearchOfTheWholeTextHoweverItIsCut) {
  RandomText random(1);
  int matches = 0;
  for (int round = 0; round < 4000; ++round) {
    Strings stops;
    for (std::size_t i = random.below(4) + 1; i > 0; --i) stops.push_back(random.text(random.below(6) + 1));
    const std::string text = random.text(random.below(30));
    const bool keep = random.below(2) == 0;
    const Expected expected = naive(text, stops, keep);

    StopText stop(stops, keep);
    std::string released;
    std::optional<std::string> matched;
    for (std::size_t at = 0; at < text.size() && !matched;) {
      const std::size_t length = std::min(random.below(5) + 1, text.size() - at);
      const auto scan = stop.push(text.substr(at, length));
      at += length;
      released += scan.released;
      matched = scan.matched;
      if (!matched) {
        ASSERT_EQ(at - released.size(), naive_held(text.substr(0, at), stops)) << text;
      }
    }
    released += stop.finish();
    ASSERT_EQ(released, expected.released) << text;
    ASSERT_EQ(matched, expected.matched) << text;
    matches += matched.has_value();
  }
  EXPECT_GT(matches, 1000);
}

}  // namespace
}  // namespace inferno
