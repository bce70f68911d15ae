#include "backends/onnx/division_overflow.h"

#if defined(__linux__) && defined(__x86_64__)

#include <link.h>
#include <signal.h>
#include <ucontext.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>

namespace inferno {
namespace {

struct Code {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
};

constexpr std::size_t kMostLibraries = 4;
std::array<Code, kMostLibraries> libraries;
std::atomic<std::size_t> library_count{0};  // raised when the entry below is written: the handler may run at any time
struct sigaction before;

// Bytes of the IDIV at `code`, and whether its numbers have 64 bits; 0 for any other instruction.
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, "Instruction Format".
std::size_t length_of_division(const std::uint8_t* code, bool& wide) {
  std::size_t at = 0;
  wide = false;
  if ((code[at] & 0xF0U) == 0x40) wide = (code[at++] & 8U) != 0;  // REX
  if (code[at++] != 0xF7) return 0;
  const unsigned modrm = code[at++];
  const unsigned mode = modrm >> 6;
  const unsigned base = modrm & 7;
  if (((modrm >> 3) & 7) != 7) return 0;
  if (mode == 3) return at;
  bool address = mode == 0 && base == 5;
  if (base == 4) address = (code[at++] & 7U) == 5 && mode == 0;  // SIB
  return at + (mode == 1 ? 1 : mode == 2 || address ? 4 : 0);
}

// Whether the lowest number stood there to be divided; then it is what came of it, and nothing remains. What divides is -1,
// since a zero is looked for before (and would find the same here).
bool step_over(greg_t* registers) {
  bool wide = false;
  const std::size_t length = length_of_division(reinterpret_cast<const std::uint8_t*>(registers[REG_RIP]), wide);
  if (length == 0) return false;
  const bool lowest = wide ? registers[REG_RAX] == std::numeric_limits<std::int64_t>::min()
                           : static_cast<std::int32_t>(registers[REG_RAX]) == std::numeric_limits<std::int32_t>::min();
  if (!lowest) return false;
  registers[REG_RDX] = 0;
  registers[REG_RIP] += static_cast<greg_t>(length);
  return true;
}

bool is_ours(std::uintptr_t address) {
  for (std::size_t i = 0; i < library_count.load(std::memory_order_acquire); ++i) {
    if (address >= libraries[i].begin && address < libraries[i].end) return true;
  }
  return false;
}

// Runs on the thread that divided, in the middle of its work: nothing here may allocate, lock or throw.
void on_signal(int signal, siginfo_t* info, void* context) {
  greg_t* registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  if (info->si_code == FPE_INTDIV && is_ours(static_cast<std::uintptr_t>(registers[REG_RIP])) && step_over(registers)) return;
  if ((before.sa_flags & SA_SIGINFO) != 0) return before.sa_sigaction(signal, info, context);
  if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) return before.sa_handler(signal);
  sigaction(signal, &before, nullptr);  // the instruction is run again, without us
}

struct Search {
  std::uintptr_t inside;
  Code found;
};

int look_into(dl_phdr_info* library, std::size_t, void* search) {
  auto& wanted = *static_cast<Search*>(search);
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const ElfW(Phdr)& part = library->dlpi_phdr[i];
    const std::uintptr_t begin = library->dlpi_addr + part.p_vaddr;
    if (part.p_type != PT_LOAD || wanted.inside < begin || wanted.inside >= begin + part.p_memsz) continue;
    wanted.found = {begin, begin + part.p_memsz};
    return 1;
  }
  return 0;
}

}  // namespace

void let_divisions_overflow(const void* code) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  Search search{reinterpret_cast<std::uintptr_t>(code), {}};
  const std::size_t count = library_count.load();
  if (is_ours(search.inside) || count == kMostLibraries || dl_iterate_phdr(&look_into, &search) == 0) return;
  libraries[count] = search.found;
  library_count.store(count + 1, std::memory_order_release);
  if (count > 0) return;
  struct sigaction ours = {};
  ours.sa_sigaction = &on_signal;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigaction(SIGFPE, &ours, &before);
}

}  // namespace inferno

#else

namespace inferno {

void let_divisions_overflow(const void*) {}

}  // namespace inferno

#endif
