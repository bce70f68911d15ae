#include "base/result.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(Result, HoldsAValue) {
  Result<std::string> result(std::string("tokens"));
  EXPECT_TRUE(result.ok());
  EXPECT_EQ(result.value(), "tokens");
  EXPECT_TRUE(result.status().ok());
}

TEST(Result, HoldsWhyThereIsNone) {
  const Result<int> result(Status(StatusCode::kQueueFull, "128 wait already"));
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.status().code(), StatusCode::kQueueFull);
  EXPECT_EQ(result.status().message(), "128 wait already");
}

TEST(Result, AskingForAValueThatIsNotThereIsABug) {
  const Result<int> result(Status(StatusCode::kNotFound, "no such model"));
  try {
    static_cast<void>(result.value());
    FAIL() << "value() returned";
  } catch (const InternalError& error) {
    EXPECT_NE(std::string(error.what()).find("no such model"), std::string::npos);
  }
}

TEST(Result, AnOkStatusIsNotAResult) { EXPECT_THROW(Result<int>{Status()}, InternalError); }

TEST(Result, GivesAwayWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, ValueCanBeChangedInPlace) {
  Result<int> result(1);
  result.value() = 2;
  EXPECT_EQ(result.value(), 2);
}

}  // namespace
}  // namespace inferno
