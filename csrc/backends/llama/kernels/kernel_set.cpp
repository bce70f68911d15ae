#include "backends/llama/kernels/kernel_set.h"

#include <atomic>
#include <vector>

#include "base/tile_unit.h"

#ifdef INFERNO_X86_KERNELS
#include <cpuid.h>
#endif

namespace inferno {
namespace {

#ifdef INFERNO_X86_KERNELS
// Bit `bit` of what cpuid says in EAX or ECX. Compilers do not know all names that __builtin_cpu_supports() could be asked for.
bool cpuid_eax(unsigned leaf, unsigned subleaf, unsigned bit) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(leaf, subleaf, &a, &b, &c, &d) != 0 && (a >> bit & 1) != 0;
}

bool cpuid_ecx(unsigned leaf, unsigned bit) {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(leaf, &a, &b, &c, &d) != 0 && (c >> bit & 1) != 0;
}

std::vector<KernelSet> find_sets() {
  std::vector<KernelSet> sets;
  // That the system keeps the registers is part of what these builtins say, and then it keeps those of the others, too.
  const bool f16c = cpuid_ecx(1, 29), avx_vnni = cpuid_eax(7, 1, 4);
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !f16c) return sets;
  sets.push_back(avx2_kernels());
  if (avx_vnni) sets.push_back(avx_vnni_kernels());
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vnni")) {
    sets.push_back(avx512_kernels());
#ifdef INFERNO_AMX
    if (has_tile_unit()) sets.push_back(amx_kernels());
#endif
  }
  return sets;
}
#else
std::vector<KernelSet> find_sets() { return {}; }
#endif

std::atomic<const KernelSet*>& in_use() {
  static std::atomic<const KernelSet*> set{kernel_sets().empty() ? nullptr : &kernel_sets().back()};
  return set;
}

}  // namespace

std::span<const KernelSet> kernel_sets() {
  static const std::vector<KernelSet> sets = find_sets();
  return sets;
}

const KernelSet* kernels() { return in_use(); }

void use_kernels(const KernelSet& set) { in_use() = &set; }

}  // namespace inferno
