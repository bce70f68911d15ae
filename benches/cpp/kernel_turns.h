// What benches of our kernels against ggml's share: ggml's graph, and turns of all contenders.
#pragma once

#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "backends/llama/kernels/kernel_set.h"

namespace inferno {

inline std::vector<float> noise(std::int64_t count) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values) value = normal(random);
  return values;
}

// ggml's own kernels on a graph; memory of its tensors is given, not made.
class GgmlGraph {
 public:
  GgmlGraph() : backend_(ggml_backend_cpu_init()), context_(ggml_init({std::size_t{8} << 20, nullptr, true})) {
    ggml_backend_cpu_set_n_threads(backend_, 1);
    graph_ = ggml_new_graph_custom(context_, 2048, false);
  }
  ~GgmlGraph() {
    ggml_backend_buffer_free(buffer_);
    ggml_free(context_);
    ggml_backend_free(backend_);
  }
  GgmlGraph(const GgmlGraph&) = delete;
  GgmlGraph& operator=(const GgmlGraph&) = delete;

  [[nodiscard]] ggml_context* context() { return context_; }
  ggml_tensor* at(const void* data, ggml_tensor* tensor) {
    tensor->buffer = buffer_;
    tensor->data = const_cast<void*>(data);
    return tensor;
  }
  void compute_later(ggml_tensor* result) { ggml_build_forward_expand(graph_, result); }
  void compute() {
    if (ggml_backend_graph_compute(backend_, graph_) != GGML_STATUS_SUCCESS) std::abort();
  }

 private:
  ggml_backend_t backend_;
  ggml_context* context_;
  ggml_cgraph* graph_;
  alignas(64) std::byte nothing_[64];
  ggml_backend_buffer_t buffer_ = ggml_backend_cpu_buffer_from_ptr(nothing_, sizeof nothing_);  // says that all is the CPU's memory
};

struct Contender {
  std::string name;
  std::function<void()> run;
};

// In turn, so that a machine which slows down meanwhile favours nobody.
inline std::string measure(const std::string& what, const std::vector<Contender>& all, int rounds) {
  std::vector<std::vector<double>> took(all.size());
  for (int round = -1; round < rounds; ++round) {  // the first only warms up
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::clock_t begun = std::clock();
      all[i].run();
      if (round >= 0) took[i].push_back(1000.0 * static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC);
    }
  }
  std::string json;
  std::printf("%-24s", what.c_str());
  for (std::size_t i = 0; i < all.size(); ++i) {
    std::string samples;
    for (const double one : took[i]) samples += (samples.empty() ? "" : ", ") + std::to_string(one);
    json += (json.empty() ? "" : ", ") + ("\"" + all[i].name) + "\": [" + samples + "]";
    std::sort(took[i].begin(), took[i].end());
    std::printf("%s %.1f   ", all[i].name.c_str(), took[i][took[i].size() / 2]);
  }
  std::printf("\n");
  return "\"" + what + "\": {" + json + "}";
}

// ggml's first, then each of ours.
inline std::vector<Contender> contenders(std::function<void()> ggml, const std::function<void()>& ours) {
  std::vector<Contender> all{{"ggml", std::move(ggml)}};
  for (const KernelSet& set : kernel_sets()) {
    all.push_back({set.instructions, [&set, ours] {
                     use_kernels(set);
                     ours();
                   }});
  }
  return all;
}

}  // namespace inferno
