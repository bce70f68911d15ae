// Owners of ONNX Runtime's objects. Each knows the table whose function frees it.
#pragma once

#include <memory>

#include "backends/onnx/ort_api.h"

namespace inferno {

template <typename T>
class OrtFree {
 public:
  using Function = void (*)(T*);
  OrtFree() = default;
  explicit OrtFree(Function free) : free_(free) {}
  void operator()(T* object) const { free_(object); }

 private:
  Function free_ = nullptr;
};

template <typename T>
using OrtHandle = std::unique_ptr<T, OrtFree<T>>;

using OrtValueHandle = OrtHandle<OrtValue>;

template <typename T>
[[nodiscard]] OrtHandle<T> owned(T* object, void (*free)(T*)) {
  return OrtHandle<T>(object, OrtFree<T>(free));
}

}  // namespace inferno
