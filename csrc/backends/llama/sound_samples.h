// A sound as encoders take it: one channel, numbers from -1 to 1, at a rate of theirs.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/media_encoder.h"

namespace inferno {

// `sound` passed check_sound(). Channels are averaged, and what is louder than a sample can say is cut off at 1. At another rate
// there is nothing above half of the lower one (a windowed sinc). kInvalidArgument for a sample that is no finite number.
[[nodiscard]] Result<std::vector<float>> samples_at(const Sound& sound, std::int32_t rate);

}  // namespace inferno
