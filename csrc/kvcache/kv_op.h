// KvOp: what a backend must do to its KV bytes so that they agree with the manager's books. Executed in order,
// before the forward pass of the plan that carries them.
#pragma once

#include <cstdint>

#include "base/ids.h"

namespace inferno {

struct KvOp {
  enum class Kind {
    kShare,  // slot := first `tokens` tokens of `from`; slot is empty before
    kCut,    // keep the first `tokens` tokens of slot
    kDrop,   // empty the slot
  };
  Kind kind{};
  SlotId slot{};
  SlotId from{};
  std::int32_t tokens = 0;
};

}  // namespace inferno
