// The room of a backend that nothing of Inferno knows: what a stranger would write. It says the alphabet, each time so many
// letters on as its own option `step` says.
#pragma once

#include "backends/backend_room.h"

namespace inferno::testing {

[[nodiscard]] BackendRoom toy_backend();

}  // namespace inferno::testing
