#include "backends/llama/llama_runtime.h"

#include <ggml-backend.h>
#include <gtest/gtest.h>

#include <string>

namespace inferno {
namespace {

// The orders in which the CPU may keep weights for kernels of its own, e.g. "CPU_REPACK". On a machine with AMX those of
// its kernels end the process at the first batch of several rows.
TEST(LlamaRuntime, KeepsNoWeightsForTheKernelsOfAmx) {
  start_llama();
  const ggml_backend_dev_t cpu = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
  ASSERT_NE(cpu, nullptr);
  void* found = ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(cpu), "ggml_backend_dev_get_extra_bufts");
  if (found == nullptr) GTEST_SKIP() << "this build of ggml has no such orders";
  for (auto* one = reinterpret_cast<ggml_backend_dev_get_extra_bufts_t>(found)(cpu); *one != nullptr; ++one) {
    EXPECT_NE(std::string(ggml_backend_buft_name(*one)), "AMX");
  }
}

TEST(LlamaRuntime, SeesTheProcessor) { EXPECT_FALSE(llama_devices().empty()); }

}  // namespace
}  // namespace inferno
