// How long the test model takes for a step, as its path asks.
#pragma once

#include <chrono>
#include <cstdint>

namespace inferno {

// Sleeps until `step_us` after `start`, on Linux to a few microseconds.
void fake_pace(std::chrono::steady_clock::time_point start, std::int64_t step_us);

}  // namespace inferno
