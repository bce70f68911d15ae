#include "sampling/random.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace inferno {
namespace {

// Known answers published with the generators' reference implementations.
TEST(Random, SplitMix64GivesThePublishedNumbers) {
  SplitMix64 generator(1234567);
  for (const std::uint64_t expected : {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                       4593380528125082431u, 16408922859458223821u}) {
    EXPECT_EQ(generator.next(), expected);
  }
}

TEST(Random, XoshiroGivesThePublishedNumbers) {
  Random random(std::array<std::uint64_t, 4>{1, 2, 3, 4});
  constexpr std::array<std::uint64_t, 10> kExpected = {
      41943041u, 58720359u, 3588806011781223u, 3591011842654386u, 9228616714210784205u, 9973669472204895162u,
      14011001112246962877u, 12406186145184390807u, 15849039046786891736u, 10450023813501588000u};
  for (const std::uint64_t expected : kExpected) {
    EXPECT_EQ(random.next(), expected);
  }
}

TEST(Random, UniformStaysInItsRangeAndFillsItEvenly) {
  Random random(7);
  std::array<int, 10> buckets{};
  for (int i = 0; i < 100000; ++i) {
    const double value = random.uniform();
    ASSERT_GE(value, 0.0);
    ASSERT_LT(value, 1.0);
    ++buckets[static_cast<std::size_t>(value * 10.0)];
  }
  for (const int count : buckets) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace inferno
