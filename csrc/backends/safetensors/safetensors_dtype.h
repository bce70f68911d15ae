// The element types a SafeTensors header may name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace inferno {

// Bits of one element; 0 for a name that is not known.
[[nodiscard]] std::uint64_t dtype_bits(std::string_view dtype);

// All of them, for messages: "BOOL, U8, ...".
[[nodiscard]] std::string known_dtypes();

}  // namespace inferno
