#include "base/host_limits.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace inferno {
namespace {

namespace fs = std::filesystem;

TEST(HostLimits, CpuQuotaIsRoundedUpToCores) {
  EXPECT_EQ(parse_cpu_max("150000 100000"), 2);
  EXPECT_EQ(parse_cpu_max("200000 100000"), 2);
  EXPECT_EQ(parse_cpu_max("1000 100000"), 1);
}

TEST(HostLimits, NoQuotaIsNoLimit) {
  EXPECT_FALSE(parse_cpu_max("max 100000"));
  EXPECT_FALSE(parse_cpu_max("-1 100000")) << "cgroup v1's";
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

#if defined(__linux__)

// A system's files in a folder of the test's own.
class HostFiles : public testing::Test {
 protected:
  HostFiles() {
    fs::remove_all(root_);
    write("proc/meminfo", "MemTotal:       8388608 kB\nMemAvailable:    4194304 kB\n");
  }
  ~HostFiles() override { fs::remove_all(root_); }

  void write(const fs::path& file, const std::string& text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

  void siblings(std::int32_t processor, const std::string& list) const {
    write("sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/thread_siblings_list", list + "\n");
  }

  fs::path root_ = fs::temp_directory_path() /
                   (std::string("inferno-host-limits-") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(HostFiles, ThreadsOfOneCoreAreOneCore) {
  for (std::int32_t i = 0; i < 4; ++i) siblings(i, i % 2 == 0 ? "0,2" : "1,3");
  EXPECT_EQ(count_cores({0, 1, 2, 3}, root_), 2);
  EXPECT_EQ(count_cores({0, 2}, root_), 1) << "both threads of one core are allowed, and no other";
  EXPECT_EQ(count_cores({1, 2}, root_), 2);
  EXPECT_EQ(count_cores({0, 1, 7, 8}, root_), 4) << "of two the system says nothing";
}

// Of a thread of its own, so that the other tests keep theirs.
TEST_F(HostFiles, ProcessorsThatAThreadMayNotRunOnAreNotUsed) {
  std::int32_t found = 0;
  std::thread([&] {
    cpu_set_t mine, one;
    ASSERT_EQ(sched_getaffinity(0, sizeof mine, &mine), 0);
    std::size_t first = 0;
    while (!CPU_ISSET(first, &mine)) ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    found = usable_cores(root_);
  }).join();
  EXPECT_EQ(found, 1);
}

TEST_F(HostFiles, EveryLevelOfBothVersionsOfCgroupsLimits) {
  const std::int32_t all = usable_cores(root_);
  write("proc/self/cgroup", "4:cpuset:/\n3:cpu,cpuacct:/pod/box\n2:memory:/pod/box\n0::/pod/box\n");
  EXPECT_EQ(usable_cores(root_), all) << "no limit is set";
  write("sys/fs/cgroup/pod/box/cpu.max", "max 100000\n");
  write("sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_cores(root_), all);
  write("sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us", "60000\n");
  EXPECT_EQ(usable_cores(root_), 1) << "version 1, one level up";
  write("sys/fs/cgroup/cpu,cpuacct/pod/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/pod/cpu.max", "100000 100000\n");
  EXPECT_EQ(usable_cores(root_), 1) << "version 2, one level up";
}

TEST_F(HostFiles, InAContainerTheTopOfTheHierarchyIsItsOwn) {
  write("proc/self/cgroup", "3:cpu:/docker/0123\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "50000\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(usable_cores(root_), 1);
}

TEST_F(HostFiles, MemoryIsWhatTheTightestLevelLeaves) {
  EXPECT_EQ(available_memory(root_), std::uint64_t{4} << 30);
  write("proc/self/cgroup", "2:memory:/pod/box\n0::/pod\n");
  write("sys/fs/cgroup/memory/pod/box/memory.limit_in_bytes", "1073741824\n");
  write("sys/fs/cgroup/memory/pod/box/memory.usage_in_bytes", "536870912\n");
  write("sys/fs/cgroup/memory/pod/box/memory.stat", "cache 1\ntotal_cache 268435456\n");
  EXPECT_EQ(available_memory(root_), std::uint64_t{768} << 20) << "page cache can be taken back";
  write("sys/fs/cgroup/pod/memory.max", "536870912\n");
  write("sys/fs/cgroup/pod/memory.current", "134217728\n");
  write("sys/fs/cgroup/pod/memory.stat", "anon 1\nfile 0\n");
  EXPECT_EQ(available_memory(root_), std::uint64_t{384} << 20);
}

#endif

}  // namespace
}  // namespace inferno
