#include "base/tile_unit.h"

#ifdef INFERNO_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#endif

namespace inferno {

#ifdef INFERNO_AMX
namespace {

__attribute__((target("xsave"))) std::uint64_t kept_by_the_system() {
  std::uint32_t low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low | std::uint64_t{high} << 32;
}

bool granted() {
  constexpr unsigned kOsxsave = 1U << 27, kAmx = 1U << 22 | 1U << 24, kAvx512Bf16 = 1U << 5;  // ECX of 1; EDX of 7; EAX of 7, 1
  constexpr std::uint64_t kStates = 0x600E6;  // of AVX-512, and 17 and 18: shapes and tiles
  constexpr long kRequest = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsxsave) == 0) return false;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & kAmx) != kAmx) return false;
  if (__get_cpuid_count(7, 1, &a, &b, &c, &d) == 0 || (a & kAvx512Bf16) == 0) return false;
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const bool kept = (kept_by_the_system() & kStates) == kStates;
  return avx512 && kept && syscall(SYS_arch_prctl, kRequest, kTileData) == 0;
}

}  // namespace

bool has_tile_unit() {
  static const bool can = granted();
  return can;
}
#else
bool has_tile_unit() { return false; }
#endif

}  // namespace inferno
