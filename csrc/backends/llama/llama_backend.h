// What the registry is told of llama.cpp.
#pragma once

#include "backends/backend_room.h"

namespace inferno {

[[nodiscard]] BackendRoom llama_backend();

}  // namespace inferno
