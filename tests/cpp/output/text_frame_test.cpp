#include "output/text_frame.h"

#include <string>

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(TextFrame, TheTextIsAJsonStringBetweenWhatStandsAroundIt) {
  const TextFrame frame("data: {\"text\":", "}\n\n");
  EXPECT_EQ(frame.event("Hello"), "data: {\"text\":\"Hello\"}\n\n");
  EXPECT_EQ(frame.event(""), "data: {\"text\":\"\"}\n\n");
}

TEST(TextFrame, OnlyWhatJsonForbidsIsEscaped) {
  const TextFrame frame("", "");
  EXPECT_EQ(frame.event("a\"b\\c/d"), "\"a\\\"b\\\\c/d\"");
  EXPECT_EQ(frame.event("\b\f\n\r\t"), "\"\\b\\f\\n\\r\\t\"");
  EXPECT_EQ(frame.event(std::string("\0\x1f\x7f", 3)), "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(frame.event("\xC3\xA9\xF0\x9F\x98\x80"), "\"\xC3\xA9\xF0\x9F\x98\x80\"");
}

TEST(TextFrame, AChunkHasItsLengthInFront) {
  const TextFrame frame = TextFrame("<", ">").chunked();
  EXPECT_EQ(frame.event("a"), "5\r\n<\"a\">\r\n");
  EXPECT_EQ(frame.event(std::string(300, 'a')), "130\r\n<\"" + std::string(300, 'a') + "\">\r\n");
}

}  // namespace
}  // namespace inferno
