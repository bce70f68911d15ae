#include "backends/llama/llama_runtime.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace inferno {
namespace {

// On a machine with AMX they end the process at the first batch of several rows.
TEST(LlamaRuntime, KeepsNoWeightsForTheKernelsOfAmx) {
  const std::vector<std::string> layouts = llama_weight_layouts();
  EXPECT_EQ(std::count(layouts.begin(), layouts.end(), "AMX"), 0);
}

TEST(LlamaRuntime, SeesTheProcessor) { EXPECT_FALSE(llama_devices().empty()); }

}  // namespace
}  // namespace inferno
