// What was allocated meanwhile, and only what is in use of it, goes to huge pages, and stays what it was.
#include "backends/onnx/huge_pages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <memory>

namespace inferno::testing {
namespace {

constexpr std::size_t kBytes = std::size_t{32} << 20;

TEST(HugePages, WhatCameMeanwhileIsMovedAndStaysTheSame) {
  const PrivateMemory before = PrivateMemory::now();
  const std::unique_ptr<unsigned char[]> bytes(new unsigned char[kBytes]);
  for (std::size_t i = 0; i < kBytes; ++i) bytes[i] = static_cast<unsigned char>(i * 7 + (i >> 12));
  const std::size_t moved = PrivateMemory::now().to_huge_pages_since(before);
  if (moved == 0) GTEST_SKIP() << "this system gives no huge pages on demand";
  EXPECT_LE(moved, kBytes);
  for (std::size_t i = 0; i < kBytes; ++i) ASSERT_EQ(bytes[i], static_cast<unsigned char>(i * 7 + (i >> 12)));
}

TEST(HugePages, WhatNobodyTouchedIsNotTaken) {
  const PrivateMemory before = PrivateMemory::now();
  const std::unique_ptr<unsigned char[]> bytes(new unsigned char[kBytes]);  // not set to anything
  EXPECT_EQ(PrivateMemory::now().to_huge_pages_since(before), 0U);
}

TEST(HugePages, WhatWasThereBeforeIsLeftAlone) {
  const std::unique_ptr<unsigned char[]> bytes(new unsigned char[kBytes]);
  std::fill(bytes.get(), bytes.get() + kBytes, static_cast<unsigned char>(1));
  const PrivateMemory before = PrivateMemory::now();
  EXPECT_EQ(PrivateMemory::now().to_huge_pages_since(before), 0U);
}

}  // namespace
}  // namespace inferno::testing
