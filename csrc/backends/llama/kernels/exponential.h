// Functions of 16 numbers side by side. Included by one file for each kind of processor, which has said before what Floats are.
#pragma once

namespace inferno {
namespace {

// e to the power of x, for x <= 0, to some 2 units in the last place; 0 below -87, and NaN of NaN.
INFERNO_LANES Floats exponential(Floats x) {
  const Lanes counts = at_least(x, -87.0f);
  x = only(counts, x);
  const Floats n = rounded(x * all(1.44269504f));
  const Floats rest = take_product(take_product(x, n, all(0.693359375f)), n, all(-2.12194440e-4f));
  Floats power = all(1.0f / 720);
  for (const float factor : {1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) power = add_product(all(factor), power, rest);
  return only(counts, scaled(power, n));
}

// cap * tanh(x / cap)
INFERNO_LANES Floats capped(Floats x, float cap) {
  const Floats shrunk = exponential(magnitude(x) * all(-2 / cap));
  return signed_as(x, all(cap) * ((all(1.0f) - shrunk) / (all(1.0f) + shrunk)));
}

}  // namespace
}  // namespace inferno
