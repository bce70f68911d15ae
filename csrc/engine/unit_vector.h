// A vector's length, and a vector of length 1.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace inferno {

[[nodiscard]] inline bool is_finite(std::span<const float> vector) {
  return std::all_of(vector.begin(), vector.end(), [](float x) { return std::isfinite(x); });
}

// To Euclidean length 1, summed in double; a vector of zeros stays as it is.
inline void scale_to_one(std::span<float> vector) {
  double squares = 0;
  for (const float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  if (squares <= 0) return;
  const double scale = 1.0 / std::sqrt(squares);
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) * scale);
}

}  // namespace inferno
