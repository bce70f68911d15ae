// The lowest number divided by -1, by the instruction itself, in registers and in memory; and what is not ours stays as it was.
#include "backends/onnx/division_overflow.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <limits>

namespace inferno {
namespace {

#if defined(__linux__) && defined(__x86_64__)

template <typename Number>
struct Divided {
  Number quotient;
  Number remainder;
};

Divided<std::int64_t> divide(std::int64_t number, std::int64_t by) {
  std::int64_t high = number < 0 ? -1 : 0;
  asm volatile("idivq %[by]" : "+a"(number), "+d"(high) : [by] "r"(by) : "cc");
  return {number, high};
}

Divided<std::int32_t> divide(std::int32_t number, std::int32_t by) {
  std::int32_t high = number < 0 ? -1 : 0;
  asm volatile("idivl %[by]" : "+a"(number), "+d"(high) : [by] "r"(by) : "cc");
  return {number, high};
}

// As array element, with each form of its address.
std::int64_t divide_in_memory(std::int64_t number, const std::int64_t* numbers, std::int64_t index) {
  std::int64_t high = number < 0 ? -1 : 0;
  asm volatile("idivq (%[at])" : "+a"(number), "+d"(high) : [at] "r"(numbers) : "cc", "memory");
  high = number < 0 ? -1 : 0;
  asm volatile("idivq 8(%[at])" : "+a"(number), "+d"(high) : [at] "r"(numbers) : "cc", "memory");
  high = number < 0 ? -1 : 0;
  asm volatile("idivq (%[at],%[i],8)" : "+a"(number), "+d"(high) : [at] "r"(numbers), [i] "r"(index) : "cc", "memory");
  high = number < 0 ? -1 : 0;
  asm volatile("idivq 1024(%[at],%[i],8)" : "+a"(number), "+d"(high) : [at] "r"(numbers), [i] "r"(index) : "cc", "memory");
  return number;
}

const void* here() { return reinterpret_cast<const void*>(&divide_in_memory); }

TEST(DivisionOverflow, GivesTheLowestNumberBack) {
  let_divisions_overflow(here());
  constexpr auto kLow = std::numeric_limits<std::int64_t>::min();
  constexpr auto kLow32 = std::numeric_limits<std::int32_t>::min();
  EXPECT_EQ(divide(kLow, std::int64_t{-1}).quotient, kLow);
  EXPECT_EQ(divide(kLow, std::int64_t{-1}).remainder, 0);
  EXPECT_EQ(divide(kLow32, -1).quotient, kLow32);
  EXPECT_EQ(divide(kLow32, -1).remainder, 0);
  EXPECT_EQ(divide(std::int64_t{7}, std::int64_t{-2}).quotient, -3);
  std::int64_t numbers[200];
  for (std::int64_t& number : numbers) number = -1;
  EXPECT_EQ(divide_in_memory(kLow, numbers, 3), kLow);
}

TEST(DivisionOverflowDeathTest, ADivisionByZeroEndsTheProcessAsBefore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        std::signal(SIGFPE, SIG_DFL);
        let_divisions_overflow(here());
        static_cast<void>(divide(std::int64_t{7}, std::int64_t{0}));
      },
      ::testing::KilledBySignal(SIGFPE), "");
}

#endif

}  // namespace
}  // namespace inferno
