// What the registry is told of the test model.
#pragma once

#include "backends/backend_room.h"

namespace inferno {

[[nodiscard]] BackendRoom fake_backend();

}  // namespace inferno
