// Where tensors of tests live that are made by hand.
#pragma once

#include <ggml.h>

#include <cstddef>
#include <memory>

namespace inferno {

struct FreeContext {
  void operator()(ggml_context* context) const { ggml_free(context); }
};
using OwnedContext = std::unique_ptr<ggml_context, FreeContext>;

// Of tensors only, whose numbers lie elsewhere or nowhere.
inline OwnedContext tensors_only() { return OwnedContext(ggml_init({std::size_t{1} << 20, nullptr, true})); }

}  // namespace inferno
