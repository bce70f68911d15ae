#include "backends/llama/sound_samples.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

namespace inferno {
namespace {

constexpr std::int64_t kCrossings = 16;        // of the sinc, to each side
constexpr std::int64_t kStepsPerCrossing = 512;  // of its table, between which is drawn a line

std::uint32_t bits_at(const std::uint8_t* bytes, std::size_t count) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < count; ++i) bits |= std::uint32_t{bytes[i]} << (8 * i);
  return bits;
}

float number_at(const std::uint8_t* bytes, SampleForm form) {
  const std::size_t count = bytes_of(form);
  const std::uint32_t bits = bits_at(bytes, count);
  if (form == SampleForm::kFloat32) {
    float number = 0;
    std::memcpy(&number, &bits, sizeof number);
    return std::isfinite(number) ? std::clamp(number, -1.0F, 1.0F) : number;
  }
  // The sign is the highest bit, wherever it stands.
  const auto whole = static_cast<std::int32_t>(bits << (32 - 8 * count));
  return static_cast<float>(whole / 2147483648.0);
}

Result<std::vector<float>> one_channel(const Sound& sound) {
  const std::size_t bytes = bytes_of(sound.form);
  const auto channels = static_cast<std::size_t>(sound.channels);
  std::vector<float> mono(sound.samples.size() / (bytes * channels));
  const std::uint8_t* next = sound.samples.data();
  for (float& moment : mono) {
    for (std::size_t channel = 0; channel < channels; ++channel, next += bytes) moment += number_at(next, sound.form);
    if (!std::isfinite(moment)) return invalid_argument("audio", "a sample of the sound is no finite number");
    moment /= static_cast<float>(channels);
  }
  return mono;
}

// Half of a sinc under a Hann window, by distance from its middle.
std::vector<float> windowed_sinc() {
  std::vector<float> table(kCrossings * kStepsPerCrossing + 2, 0.0F);
  table[0] = 1;
  for (std::size_t i = 1; i < kCrossings * kStepsPerCrossing; ++i) {
    const double x = std::numbers::pi * static_cast<double>(i) / kStepsPerCrossing;
    table[i] = static_cast<float>(std::sin(x) / x * (0.5 + 0.5 * std::cos(x / kCrossings)));
  }
  return table;
}

std::vector<float> resampled(const std::vector<float>& samples, std::int32_t from, std::int32_t to) {
  const std::vector<float> sinc = windowed_sinc();
  const auto count = static_cast<std::int64_t>(samples.size());
  const double step = static_cast<double>(from) / to;
  const double narrow = std::min(1.0, 1.0 / step);  // crossings in a sample of the input
  const auto reach = static_cast<std::int64_t>(std::ceil(kCrossings / narrow));
  std::vector<float> out(static_cast<std::size_t>(std::max<std::int64_t>(1, count * to / from)));
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double middle = static_cast<double>(i) * step;
    const auto nearest = static_cast<std::int64_t>(middle);
    double sum = 0;
    double weights = 0;  // of all samples, those beyond the ends, which are silence, too
    for (std::int64_t k = nearest - reach; k <= nearest + reach + 1; ++k) {
      const double place = std::min(std::abs(static_cast<double>(k) - middle) * narrow, double{kCrossings}) * kStepsPerCrossing;
      const auto below = static_cast<std::size_t>(place);
      const double weight = sinc[below] + (place - static_cast<double>(below)) * (sinc[below + 1] - sinc[below]);
      weights += weight;
      if (k >= 0 && k < count) sum += weight * samples[static_cast<std::size_t>(k)];
    }
    out[i] = static_cast<float>(sum / weights);
  }
  return out;
}

}  // namespace

Result<std::vector<float>> samples_at(const Sound& sound, std::int32_t rate) {
  Result<std::vector<float>> mono = one_channel(sound);
  if (!mono.ok() || sound.rate == rate) return mono;
  return resampled(mono.value(), sound.rate, rate);
}

}  // namespace inferno
