// The tile unit (AMX) of newer Intel processors, and whether this process may use it. Its instructions are in tile_instructions.h.
#pragma once

#include <array>
#include <cstdint>

namespace inferno {

// 16 rows of 32 numbers in BF16, as the unit loads them.
struct alignas(64) Bf16Tile {
  std::array<std::uint16_t, 512> numbers;
};

// The processor has the unit with BF16, AVX-512 with BF16 besides, and the system gives it to this process, for all threads. Asks
// for it when first called. False where the compiler does not know the unit, and on other systems than Linux. Thread-safe.
[[nodiscard]] bool has_tile_unit();

}  // namespace inferno
