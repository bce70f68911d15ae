#include "constraints/llguidance_api.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

TEST(LlguidanceApi, OnlyTheKnownMinorVersionIsTaken) {
  EXPECT_TRUE(check_llguidance_version("llguidance@1.9.1;derivre@0.3.13").ok());
  EXPECT_TRUE(check_llguidance_version("derivre@0.3.13 llguidance@1.9.0").ok());
  for (const char* other : {"llguidance@1.10.0", "llguidance@1.8.0;x@1.9.1", "llguidance@2.0.0", "1.9.1", ""}) {
    const Status refused = check_llguidance_version(other);
    EXPECT_EQ(refused.code(), StatusCode::kUnsupported) << other;
  }
  EXPECT_NE(check_llguidance_version("llguidance@1.10.0").message().find("'1.10.0', and version 1.9."), std::string::npos);
}

TEST(LlguidanceApi, WhatIsNoLibraryOrAnotherOneIsRefused) {
  EXPECT_EQ(open_llguidance("/nowhere/lib.so").status().code(), StatusCode::kUnsupported);
  const auto other = open_llguidance("libm.so.6");
  EXPECT_NE(other.status().message().find("llg_get_version"), std::string::npos) << other.status().message();
}

}  // namespace
}  // namespace inferno
