#include "backends/llama/run_limit.h"

#include <gtest/gtest.h>

#include <string>

namespace inferno {
namespace {

TEST(RunLimit, CountsBytesOfOneKind) {
  EXPECT_EQ(longest_run(""), 0U);
  EXPECT_EQ(longest_run("ab cde  1234--"), 4U);
  EXPECT_EQ(longest_run("gr\xC3\xBC\xC3\x9F" "e"), 7U);
  EXPECT_EQ(longest_run(" \t\r\n x"), 5U);
  EXPECT_EQ(longest_run(std::string(100, '$') + "a"), 100U);
}

TEST(RunLimit, OnlySplittersKnownToBeSafeTakeAnything) {
  EXPECT_TRUE(takes_any_run("qwen2"));
  EXPECT_FALSE(takes_any_run("deepseek-llm"));
  EXPECT_FALSE(takes_any_run(""));
}

}  // namespace
}  // namespace inferno
