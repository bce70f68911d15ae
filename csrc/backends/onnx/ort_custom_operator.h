// OrtCustomOp, the structure by which ONNX Runtime is told of an operator that it does not have: functions, in the order of
// kOrtApiVersion. None of them may throw.
#pragma once

#include <cstddef>
#include <cstdint>

#include "backends/onnx/ort_api.h"

namespace inferno {

struct OrtCustomOperator {
  std::uint32_t version = kOrtApiVersion;
  void* (*create_kernel_before_16)(const OrtCustomOperator*, const void* api, const OrtKernelInfo*) = nullptr;
  const char* (*name)(const OrtCustomOperator*) = nullptr;
  const char* (*provider)(const OrtCustomOperator*) = nullptr;
  int (*input_element)(const OrtCustomOperator*, std::size_t) = nullptr;
  std::size_t (*input_count)(const OrtCustomOperator*) = nullptr;
  int (*output_element)(const OrtCustomOperator*, std::size_t) = nullptr;
  std::size_t (*output_count)(const OrtCustomOperator*) = nullptr;
  void (*compute_before_16)(void* kernel, OrtKernelContext*) = nullptr;
  void (*destroy_kernel)(void* kernel) = nullptr;
  int (*input_characteristic)(const OrtCustomOperator*, std::size_t) = nullptr;  // 0: required
  int (*output_characteristic)(const OrtCustomOperator*, std::size_t) = nullptr;
  int (*input_memory)(const OrtCustomOperator*, std::size_t) = nullptr;  // OrtMemType
  int (*least_variadic_inputs)(const OrtCustomOperator*) = nullptr;
  int (*variadic_inputs_alike)(const OrtCustomOperator*) = nullptr;
  int (*least_variadic_outputs)(const OrtCustomOperator*) = nullptr;
  int (*variadic_outputs_alike)(const OrtCustomOperator*) = nullptr;
  OrtStatus* (*create_kernel)(const OrtCustomOperator*, const void* api, const OrtKernelInfo*, void** kernel) = nullptr;
  OrtStatus* (*compute)(void* kernel, OrtKernelContext*) = nullptr;
  OrtStatus* (*infer_shape)(const OrtCustomOperator*, OrtShapeContext*) = nullptr;
  int (*first_version)(const OrtCustomOperator*) = nullptr;
  int (*last_version)(const OrtCustomOperator*) = nullptr;
};

}  // namespace inferno
