// Runs a test once with each set of kernels that this processor has.
#pragma once

#include <gtest/gtest.h>

#include "backends/llama/kernels/kernel_set.h"

namespace inferno {

inline constexpr const char* kNoKernels = "this processor has no AVX2, or this build no kernels";

template <class Test>
void for_each_kernel_set(const Test& test) {
  for (const KernelSet& set : kernel_sets()) {
    SCOPED_TRACE(set.instructions);
    use_kernels(set);
    test();
    if (testing::Test::HasFatalFailure()) break;
  }
  use_kernels(kernel_sets().back());
}

}  // namespace inferno
