// What one token costs to choose from a row of 151,936 logits, by settings and by how flat the row is: microseconds, the
// least of many rounds, as one line of JSON. No model.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "sampling/sampler.h"

namespace {

constexpr std::size_t kVocab = 151936;
constexpr int kRounds = 60;

using inferno::SamplingParams;

// Normal, with the given deviation in nats; 0: all are equal.
std::vector<float> row_of(double deviation) {
  if (deviation == 0.0) return std::vector<float>(kVocab, 1.0f);
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal(0.0, deviation);
  std::vector<float> row(kVocab);
  for (float& logit : row) logit = static_cast<float>(normal(random));
  return row;
}

double least_microseconds(const SamplingParams& params, const std::vector<float>& row) {
  inferno::Sampler sampler(params, 0, {});
  inferno::SamplerScratch scratch;
  double least = std::numeric_limits<double>::infinity();
  std::int64_t sum = 0;  // so that nothing is left out
  for (int i = 0; i < kRounds; ++i) {
    const auto begun = std::chrono::steady_clock::now();
    sum += static_cast<std::int64_t>(sampler.sample(row, scratch));
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begun;
    least = std::min(least, took.count());
  }
  return sum < 0 ? 0.0 : least;
}

}  // namespace

int main() {
  struct Setting {
    const char* name;
    void (*set)(SamplingParams&);
  };
  const Setting settings[] = {
      {"greedy", [](SamplingParams& p) { p.temperature = 0.0f; }},
      {"temperature", [](SamplingParams&) {}},
      {"top_k 40", [](SamplingParams& p) { p.top_k = 40; }},
      {"top_p 0.9", [](SamplingParams& p) { p.top_p = 0.9f; }},
      {"top_p 0.9, min_p 0.05", [](SamplingParams& p) { p.top_p = 0.9f, p.min_p = 0.05f; }},
      {"min_p 0.05", [](SamplingParams& p) { p.min_p = 0.05f; }},
  };
  std::string json;
  for (const double deviation : {0.0, 1.0, 2.0, 4.0}) {
    const std::vector<float> row = row_of(deviation);
    for (const Setting& setting : settings) {
      SamplingParams params;
      params.temperature = 0.8f;
      params.seed = 1;
      setting.set(params);
      char text[128];
      std::snprintf(text, sizeof(text), "%s\"%s, deviation %g\": %.1f", json.empty() ? "" : ", ", setting.name, deviation,
                    least_microseconds(params, row));
      json += text;
    }
  }
  std::printf("{%s}\n", json.c_str());
}
