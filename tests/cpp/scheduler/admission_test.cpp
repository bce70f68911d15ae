#include "scheduler/admission.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace inferno {
namespace {

TEST(Admission, RefusesBeyondEitherBoundAndSaysBothNumbers) {
  Admission door(2, 100);
  EXPECT_TRUE(door.enter(1, 60).ok());
  const Status tokens = door.enter(1, 50);
  EXPECT_EQ(tokens.code(), StatusCode::kQueueFull);
  EXPECT_NE(tokens.message().find("60 of 100 prompt tokens"), std::string::npos) << tokens.message();
  EXPECT_TRUE(door.enter(1, 40).ok());
  EXPECT_EQ(door.enter(1, 0).code(), StatusCode::kQueueFull);
  door.leave(1, 60);
  EXPECT_TRUE(door.enter(1, 60).ok());
  EXPECT_EQ(door.refused(), 2u);
}

TEST(Admission, AnEmptyQueueTakesAnythingOnce) {
  Admission door(2, 100);
  EXPECT_TRUE(door.enter(8, 5000).ok());
  EXPECT_FALSE(door.enter(1, 1).ok());
}

TEST(Admission, AFullQueueOfOneTenantKeepsNobodyElseOut) {
  Admission door(2, 100);
  EXPECT_TRUE(door.enter(2, 100, "flood").ok());
  EXPECT_FALSE(door.enter(1, 1, "flood").ok());
  EXPECT_TRUE(door.enter(1, 50, "brief").ok());
  EXPECT_FALSE(door.enter(1, 1, "brief").ok()) << "one request of each, and no more";
  door.leave(1, 50, "brief");
  EXPECT_TRUE(door.enter(1, 50, "brief").ok());
  EXPECT_FALSE(door.enter(1, 1, "flood").ok());
  EXPECT_EQ(door.waiting(), 3);
}

TEST(Admission, TwiceTheBoundIsTheMostHoweverManyTenantsCome) {
  Admission sequences(2, 100), tokens(100, 20);
  for (int i = 0; i < 9; ++i) {
    EXPECT_EQ(sequences.enter(1, 1, std::to_string(i)).ok(), i < 4) << i;
    EXPECT_EQ(tokens.enter(1, 10, std::to_string(i)).ok(), i < 4) << i;
  }
}

TEST(Admission, CountsBackToZeroUnderThreads) {
  Admission door(16, 1000);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        if (door.enter(1, 3).ok()) door.leave(1, 3);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(door.waiting(), 0);
  EXPECT_EQ(door.waiting_tokens(), 0);
}

}  // namespace
}  // namespace inferno
