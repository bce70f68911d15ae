#include "base/status.h"

#include <set>
#include <string_view>

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(Status, IsOkByDefault) {
  EXPECT_TRUE(Status().ok());
  EXPECT_EQ(Status().message(), "");
}

TEST(Status, KeepsCodeMessageAndParam) {
  const Status status(StatusCode::kUnsupported, "no vision", "messages");
  EXPECT_FALSE(status.ok());
  EXPECT_EQ(status.code(), StatusCode::kUnsupported);
  EXPECT_EQ(status.message(), "no vision");
  EXPECT_EQ(status.param(), "messages");
}

TEST(Status, InvalidArgumentNamesTheField) {
  const Status status = invalid_argument("top_p", "top_p is 2; it must be in (0, 1]");
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.param(), "top_p");
}

// Python has one exception class per name: two codes of one name would be one class.
TEST(Status, EveryCodeHasANameOfItsOwn) {
  constexpr int kCodes = static_cast<int>(StatusCode::kInternal) + 1;
  std::set<std::string_view> names;
  for (int code = 0; code < kCodes; ++code) names.insert(status_code_name(static_cast<StatusCode>(code)));
  EXPECT_EQ(names.size(), static_cast<std::size_t>(kCodes));
  EXPECT_EQ(names.count(""), 0u);
  EXPECT_EQ(status_code_name(StatusCode::kContextLengthExceeded), "context_length_exceeded");
}

}  // namespace
}  // namespace inferno
