#include "backends/llama/host_limits.h"

#include <gtest/gtest.h>

#include <thread>

namespace inferno {
namespace {

TEST(HostLimits, CpuQuotaIsRoundedUpToCores) {
  EXPECT_EQ(parse_cpu_max("150000 100000"), 2);
  EXPECT_EQ(parse_cpu_max("200000 100000"), 2);
  EXPECT_EQ(parse_cpu_max("1000 100000"), 1);
}

TEST(HostLimits, NoQuotaIsNoLimit) {
  EXPECT_FALSE(parse_cpu_max("max 100000"));
  EXPECT_FALSE(parse_cpu_max(""));
  EXPECT_FALSE(parse_cpu_max("150000"));
  EXPECT_FALSE(parse_cpu_max("150000 0"));
  EXPECT_FALSE(parse_memory_max("max"));
  EXPECT_EQ(parse_memory_max("1073741824"), 1073741824U);
}

TEST(HostLimits, ThisProcessMayUseSomethingButNotMoreThanThereIs) {
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), static_cast<std::int32_t>(std::thread::hardware_concurrency()));
#if defined(__linux__)
  ASSERT_TRUE(available_memory());
  EXPECT_GT(*available_memory(), 1U << 20);
#endif
}

}  // namespace
}  // namespace inferno
