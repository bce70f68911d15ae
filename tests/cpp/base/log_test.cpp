#include "base/log.h"

#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace inferno {
namespace {

struct Log : testing::Test {
  void TearDown() override { set_log_sink({}); }
};

TEST_F(Log, WithoutASinkLinesAreDropped) { EXPECT_NO_THROW(log(LogLevel::kError, "test", "nobody listens")); }

TEST_F(Log, TheSinkGetsLevelComponentAndMessage) {
  LogLevel level{};
  std::string line;
  set_log_sink([&](LogLevel said, std::string_view component, std::string_view message) {
    level = said;
    line = std::string(component) + ": " + std::string(message);
  });
  log(LogLevel::kWarning, "kvcache", "half full");
  EXPECT_EQ(level, LogLevel::kWarning);
  EXPECT_EQ(line, "kvcache: half full");
}

TEST_F(Log, ANewSinkReplacesTheOldOne) {
  int first = 0;
  int second = 0;
  set_log_sink([&](auto...) { ++first; });
  set_log_sink([&](auto...) { ++second; });
  log(LogLevel::kInfo, "test", "hello");
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

// What the sink refers to may go once set_log_sink has returned.
TEST_F(Log, RemovingTheSinkWaitsForTheCallInFlight) {
  std::promise<void> entered;
  std::promise<void> leave;
  std::atomic<bool> done{false};
  set_log_sink([&](auto...) {
    entered.set_value();
    leave.get_future().wait();
    done = true;
  });
  std::thread logger([] { log(LogLevel::kInfo, "test", "slow"); });
  entered.get_future().wait();
  std::thread releaser([&] { leave.set_value(); });
  set_log_sink({});
  EXPECT_TRUE(done);
  logger.join();
  releaser.join();
}

TEST_F(Log, ManyThreadsMayLogWhileTheSinkChanges) {
  std::atomic<int> heard{0};
  std::vector<std::thread> threads;
  set_log_sink([&](auto...) { ++heard; });
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 500; ++i) log(LogLevel::kDebug, "test", "line");
    });
  }
  for (int i = 0; i < 50; ++i) set_log_sink([&](auto...) { ++heard; });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(heard, 2000);
}

}  // namespace
}  // namespace inferno
