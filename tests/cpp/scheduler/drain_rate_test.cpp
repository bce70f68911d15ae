// When a refused request is told to come back: by a real door and scheduler on a clock of the test's own.
#include "scheduler/drain_rate.h"

#include <algorithm>

#include "scheduler/house.h"

namespace inferno {
namespace {

constexpr std::int64_t kPrompt = 10;      // tokens
constexpr std::int32_t kAnswer = 10;      // tokens, one a step
constexpr std::int32_t kPlaces = 5;
constexpr double kStep = 0.1;
const Tenant kTenant = "a";  // whose all of it is
constexpr double kPerSequence = kAnswer * kStep / kPlaces;  // what the pace comes to: a place is free every 0.2 seconds

// A server of known pace: each request takes ten steps, and the queue is kept full.
struct Server {
  explicit Server(std::int64_t max_waiting, std::int64_t max_tokens, bool in_step)
      : house({.max_running = kPlaces, .batch_rows = 256, .prefill_chunk = 256}, 4096, 16, max_waiting, max_tokens) {
    for (std::int32_t i = 0; i < kPlaces; ++i) ask(in_step ? kAnswer : 2 * (i + 1));
    for (int i = 0; i < 60; ++i) fill(), step();
    fill();
  }

  void ask(std::int32_t answer = kAnswer) { house.add(range(static_cast<TokenId>(100 * ++asked), kPrompt), answer); }
  void fill() {
    for (; house.door.enter(1, kPrompt, kTenant).ok(); ask()) house.door.withdraw(1, kPrompt, kTenant);
  }
  void step() {
    house.step();
    house.clock.time += std::chrono::milliseconds(100);
    house.door.observe(house.clock.time);
  }
  [[nodiscard]] double wait(std::int64_t sequences, std::int64_t tokens) const {
    return house.door.seconds_until_room(sequences, tokens, house.clock.time).value();
  }
  // Seconds until they are let in, when nobody else comes.
  double until_in(std::int64_t sequences, std::int64_t tokens) {
    const Time began = house.clock.time;
    while (!house.door.enter(sequences, tokens, kTenant).ok()) step();
    house.door.withdraw(sequences, tokens, kTenant);
    return seconds(house.clock.time - began);
  }

  House house;
  int asked = 0;
};

// At every phase of the pace: what was said is what has to leave by the mean rate, or at most one departure more; who waits
// that long is let in; and it was not said much too late.
void keeps_its_word(std::int64_t max_waiting, std::int64_t max_tokens, std::int64_t sequences, std::int64_t tokens, bool in_step) {
  const double gap = in_step ? kPerSequence * kPlaces : kPerSequence;
  for (int phase = 0; phase < 12; ++phase) {
    Server server(max_waiting, max_tokens, in_step);
    for (int i = 0; i < phase; ++i) server.step(), server.fill();
    const Admission& door = server.house.door;
    const double too_many = std::max(static_cast<double>(door.waiting() + sequences - max_waiting),
                                     static_cast<double>(door.waiting_tokens() + tokens - max_tokens) / kPrompt);
    const double by_rate = too_many * kPerSequence, said = server.wait(sequences, tokens);
    EXPECT_GE(said, by_rate - 1e-6) << "phase " << phase;
    EXPECT_LE(said, by_rate + gap + 1e-6) << "phase " << phase;
    const double took = server.until_in(sequences, tokens);
    EXPECT_LE(took, said + 1e-6) << "phase " << phase;
    EXPECT_GE(took, said - gap - kStep - 1e-6) << "phase " << phase;
  }
}

TEST(DrainRate, OnePlaceIsFreeWhenItWasSaid) { keeps_its_word(20, 1000000, 1, kPrompt, false); }
TEST(DrainRate, ChoicesWaitForSoManyPlaces) { keeps_its_word(20, 1000000, 7, 7 * kPrompt, false); }
TEST(DrainRate, ALongPromptWaitsForTheTokensOfManyShortOnes) { keeps_its_word(1000, 200, 1, 95, false); }
TEST(DrainRate, SequencesThatEndTogetherAreWaitedForTogether) {
  keeps_its_word(20, 1000000, 1, kPrompt, true);
  keeps_its_word(20, 1000000, 7, 7 * kPrompt, true);
}

TEST(DrainRate, WhatNeverFitsWaitsForTheQueueToBeEmpty) {
  Server server(20, 1000000, false);
  EXPECT_NEAR(server.wait(64, 64 * kPrompt), 20 * kPerSequence, kPerSequence);
}

TEST(DrainRate, IsNotKnownBeforeAnythingLeftWhileOthersWaited) {
  DrainRate rate;
  const Time began{};
  rate.observe(began, 4, 40, false);  // came and ran at once: that says nothing of a queue
  EXPECT_FALSE(rate.seconds_until(1, 10, began));
  rate.observe(began + std::chrono::seconds(5), 4, 40, true);
  EXPECT_FALSE(rate.seconds_until(1, 10, began + std::chrono::seconds(6)));
  rate.observe(began + std::chrono::seconds(7), 1, 10, true);
  EXPECT_DOUBLE_EQ(rate.seconds_until(3, 10, began + std::chrono::seconds(7)).value(), 6.0);
}

TEST(DrainRate, WhereNothingLeavesAnyMoreItSaysSoLong) {
  DrainRate rate;
  const Time began{};
  rate.observe(began, 0, 0, true);
  rate.observe(began + std::chrono::seconds(1), 1, 10, true);
  rate.observe(began + std::chrono::seconds(30), 0, 0, true);
  EXPECT_DOUBLE_EQ(rate.seconds_until(1, 0, began + std::chrono::seconds(31)).value(), 30.0);
}

TEST(DrainRate, FollowsTheLoad) {
  DrainRate rate;
  Time now{};
  rate.observe(now, 0, 0, true);
  for (int i = 0; i < 50; ++i) rate.observe(now += std::chrono::seconds(i < 20 ? 60 : 2), 1, 10, true);
  EXPECT_DOUBLE_EQ(rate.seconds_until(1, 10, now).value(), 2.0);
}

}  // namespace
}  // namespace inferno
