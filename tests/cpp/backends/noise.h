// Numbers that are normally distributed, and the same each time.
#pragma once

#include <cstddef>
#include <random>
#include <vector>

namespace inferno {

inline std::vector<float> noise(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(random);
  return values;
}

}  // namespace inferno
