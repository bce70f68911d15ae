// FakePath: what the name of the test model asks for, e.g. "fake:step_us=2000,vocab=50000".
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace inferno {

struct FakePath {
  std::int64_t step_us = 0;     // each forward() or embed() takes at least this long: gives tests and load runs a realistic pace
  std::int64_t fail_after = 0;  // the one of this number (from 1) fails with kInternal; 0 = none
  std::int32_t embed = 0;       // > 0: it embeds texts, into so many numbers, in place of generating
  std::int32_t labels = 0;      // > 0: it scores texts, by so many labels
  std::int32_t repeat = 0;      // mostly says what stood so many tokens before, so that guesses come true; 0 = never
  std::int32_t adapter = 0;     // > 0: this names no model, but an adapter for one
  std::int32_t image = 0;       // > 0: this names no model, but a media encoder that makes so many rows of a picture
  std::int32_t sound = 0;       // > 0: likewise of a sound
  std::int32_t vocab = 0;       // 0 = the smallest; a larger one weighs sampling
};

inline constexpr std::string_view kFakePrefix = "fake:";

// `path` begins with kFakePrefix. kInvalidArgument for an unknown key (lists the known ones) or a value out of range.
[[nodiscard]] Result<FakePath> parse_fake_path(std::string_view path);

}  // namespace inferno
