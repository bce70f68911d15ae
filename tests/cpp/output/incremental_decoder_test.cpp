#include "output/incremental_decoder.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

// A macro, because only literals can be joined in a literal.
#define R "\xEF\xBF\xBD"

namespace inferno {
namespace {

using std::literals::operator""sv;

struct Case {
  std::string_view bytes;
  std::string_view text;
};

// What Python's bytes.decode("utf-8", "replace") makes of them.
constexpr Case kCases[] = {
    {""sv, ""sv},
    {"abc"sv, "abc"sv},
    {"caf\xC3\xA9"sv, "caf\xC3\xA9"sv},
    {"\xE2\x82\xAC"sv, "\xE2\x82\xAC"sv},
    {"\xF0\x9F\x98\x80"sv, "\xF0\x9F\x98\x80"sv},
    {"\x00"sv, "\x00"sv},
    {"\x7F"sv, "\x7F"sv},
    {"\xC2\x80"sv, "\xC2\x80"sv},
    {"\xDF\xBF"sv, "\xDF\xBF"sv},
    {"\xE0\xA0\x80"sv, "\xE0\xA0\x80"sv},
    {"\xED\x9F\xBF"sv, "\xED\x9F\xBF"sv},
    {"\xEE\x80\x80"sv, "\xEE\x80\x80"sv},
    {"\xEF\xBF\xBF"sv, "\xEF\xBF\xBF"sv},
    {"\xF0\x90\x80\x80"sv, "\xF0\x90\x80\x80"sv},
    {"\xF4\x8F\xBF\xBF"sv, "\xF4\x8F\xBF\xBF"sv},
    {"\x80"sv, R ""sv},
    {"\xBF"sv, R ""sv},
    {"\x80\xBF\x80"sv, R R R ""sv},
    {"\xC0\x80"sv, R R ""sv},
    {"\xC1\xBF"sv, R R ""sv},
    {"\xE0\x80\xAF"sv, R R R ""sv},
    {"\xE0\x9F\xBF"sv, R R R ""sv},
    {"\xF0\x80\x80\xAF"sv, R R R R ""sv},
    {"\xF0\x8F\xBF\xBF"sv, R R R R ""sv},
    {"\xF8\x88\x80\x80\x80"sv, R R R R R ""sv},
    {"\xFC\x84\x80\x80\x80\x80"sv, R R R R R R ""sv},
    {"\xED\xA0\x80"sv, R R R ""sv},
    {"\xED\xAF\xBF\xED\xBF\xBF"sv, R R R R R R ""sv},
    {"\xED\xBF\xBF"sv, R R R ""sv},
    {"\xF4\x90\x80\x80"sv, R R R R ""sv},
    {"\xF5\x80\x80\x80"sv, R R R R ""sv},
    {"\xF4\x91\x92\x93\xFF" "A\x80\xBF" "B"sv, R R R R R "A" R R "B"sv},
    {"\xFE"sv, R ""sv},
    {"\xFF\xFF"sv, R R ""sv},
    {"\xC3"sv, R ""sv},
    {"\xE2"sv, R ""sv},
    {"\xE2\x82"sv, R ""sv},
    {"\xF0"sv, R ""sv},
    {"\xF0\x9F"sv, R ""sv},
    {"\xF0\x9F\x98"sv, R ""sv},
    {"\xE1\x80\xE2\xF0\x91\x92\xF1\xBF" "A"sv, R R R R "A"sv},
    {"a\xF1\x80\x80\xE1\x80\xC2" "b\x80" "c\x80\xBF" "d"sv, "a" R R R "b" R "c" R R "d"sv},
    {"\xC3" "A"sv, R "A"sv},
    {"\xC3\xC3\xA9"sv, R "\xC3\xA9"sv},
    {"\xE2\x82" "A"sv, R "A"sv},
    {"\xE2" "A\x82"sv, R "A" R ""sv},
    {"\xE2\x82\xE2\x82\xAC"sv, R "\xE2\x82\xAC"sv},
    {"\xF0\x9F" "A\x98\x80"sv, R "A" R R ""sv},
    {"\xF0\x9F\x98" "A"sv, R "A"sv},
    {"\xF0\x9F\x98\xC3\xA9"sv, R "\xC3\xA9"sv},
    {"\xF0\x9F\xF0\x9F\x98\x80"sv, R "\xF0\x9F\x98\x80"sv},
    {"\xC3(\xA9"sv, R "(" R ""sv},
    {"\xE0\xA0"sv, R ""sv},
    {"\xE0\xA0\xC0"sv, R R ""sv},
    {"\xF0\x90\x80\xFF"sv, R R ""sv},
    {"A\xE2\x98\xC0\xBE\xE2\x98\xBA"sv, "A" R R R "\xE2\x98\xBA"sv},
    {"\xE2\x82\xAC\x80"sv, "\xE2\x82\xAC" R ""sv},
    {"\xED\xA0" "A"sv, R R "A"sv},
    {"\xF4\x8F\xBF"sv, R ""sv},
    {"\xC2\xC2\xC2"sv, R R R ""sv},
    {"\xE0\xE0\xA0\x80"sv, R "\xE0\xA0\x80"sv},
};

std::string shown(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    hex += kDigits[static_cast<unsigned char>(c) >> 4];
    hex += kDigits[static_cast<unsigned char>(c) & 15];
    hex += ' ';
  }
  return hex;
}

TEST(IncrementalDecoder, DecodesWhole) {
  for (const Case& c : kCases) {
    IncrementalDecoder decoder;
    std::string text = decoder.push(c.bytes);
    text += decoder.finish();
    EXPECT_EQ(text, c.text) << shown(c.bytes);
    EXPECT_FALSE(decoder.pending());
  }
}

TEST(IncrementalDecoder, ThreePiecesGiveWhatTheWholeGives) {
  for (const Case& c : kCases) {
    for (std::size_t i = 0; i <= c.bytes.size(); ++i) {
      for (std::size_t j = i; j <= c.bytes.size(); ++j) {
        IncrementalDecoder decoder;
        std::string text = decoder.push(c.bytes.substr(0, i));
        text += decoder.push(c.bytes.substr(i, j - i));
        text += decoder.push(c.bytes.substr(j));
        text += decoder.finish();
        EXPECT_EQ(text, c.text) << shown(c.bytes) << "cut at " << i << " and " << j;
      }
    }
  }
}

TEST(IncrementalDecoder, SingleBytesGiveWhatTheWholeGives) {
  for (const Case& c : kCases) {
    IncrementalDecoder decoder;
    std::string text;
    for (const char byte : c.bytes) text += decoder.push({&byte, 1});
    text += decoder.finish();
    EXPECT_EQ(text, c.text) << shown(c.bytes);
  }
}

TEST(IncrementalDecoder, HoldsBackOnlyWhatMayStillBecomeACharacter) {
  IncrementalDecoder decoder;
  EXPECT_EQ(decoder.push("a\xF0\x9F"), "a");
  EXPECT_TRUE(decoder.pending());
  EXPECT_EQ(decoder.push("\x98"), "");
  EXPECT_EQ(decoder.push("\x80z"), "\xF0\x9F\x98\x80z");
  EXPECT_FALSE(decoder.pending());
  // No character begins with E0 80: told at once, not held until three bytes are there.
  EXPECT_EQ(decoder.push("\xE0\x80"), R R);
}

TEST(IncrementalDecoder, FinishGivesTheIncompleteCharacterOnce) {
  IncrementalDecoder decoder;
  EXPECT_EQ(decoder.push("\xE2\x82"), "");
  EXPECT_EQ(decoder.finish(), R);
  EXPECT_EQ(decoder.finish(), "");
  EXPECT_EQ(decoder.push("\xAC"), R);
}

}  // namespace
}  // namespace inferno
