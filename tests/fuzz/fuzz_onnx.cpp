#include "fuzz/looked_at.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  inferno::testing::look_at_onnx(std::as_bytes(std::span(data, size)));
  return 0;
}
