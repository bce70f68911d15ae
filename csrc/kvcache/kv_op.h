// KvOp: what a backend must do to its KV bytes so that they agree with the manager's books. Executed in order,
// before the forward pass of the plan that carries them.
#pragma once

#include <cstdint>

#include "base/ids.h"
#include "kvcache/saved_prefix.h"

namespace inferno {

struct KvOp {
  enum class Kind {
    kShare,  // slot := first `tokens` tokens of `from`; slot is empty before
    kCut,    // keep the first `tokens` tokens of slot
    kDrop,   // empty the slot
    kSave,   // prefix := the slot's whole content, if there is room for its bytes
    kLoad,   // slot := first `tokens` tokens of prefix; slot is empty before. The one order that may fail
  };
  Kind kind{};
  SlotId slot{};
  SlotId from{};
  std::int32_t tokens = 0;
  SavedPrefixPtr prefix = nullptr;
};

}  // namespace inferno
