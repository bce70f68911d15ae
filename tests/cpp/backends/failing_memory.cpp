#include "backends/failing_memory.h"

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <new>

namespace inferno {
namespace {

constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();
std::atomic<std::int64_t> granted{kNever};

// Just as much as is asked for, so that AddressSanitizer sees what is read behind it. Null where there is none.
void* find(std::size_t size, std::size_t alignment) {
  if (granted != kNever && granted-- == 0) return nullptr;
  if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(size == 0 ? 1 : size);
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

void* take(std::size_t size, std::size_t alignment = 1) {
  if (void* memory = find(size, alignment)) return memory;
  throw std::bad_alloc();
}

}  // namespace

FailingMemory::FailingMemory(std::size_t next) { granted = static_cast<std::int64_t>(next); }
FailingMemory::~FailingMemory() { granted = kNever; }
bool FailingMemory::failed() const { return granted < 0; }

}  // namespace inferno

// All forms that there are: AddressSanitizer has its own of each, and wants what is taken by one given back by its twin.
using std::align_val_t, std::nothrow_t, std::size_t;
void* operator new(size_t size) { return inferno::take(size); }
void* operator new[](size_t size) { return inferno::take(size); }
void* operator new(size_t size, align_val_t alignment) { return inferno::take(size, static_cast<size_t>(alignment)); }
void* operator new[](size_t size, align_val_t alignment) { return inferno::take(size, static_cast<size_t>(alignment)); }
void* operator new(size_t size, const nothrow_t&) noexcept { return inferno::find(size, 1); }
void* operator new[](size_t size, const nothrow_t&) noexcept { return inferno::find(size, 1); }
void* operator new(size_t size, align_val_t alignment, const nothrow_t&) noexcept { return inferno::find(size, static_cast<size_t>(alignment)); }
void* operator new[](size_t size, align_val_t alignment, const nothrow_t&) noexcept { return inferno::find(size, static_cast<size_t>(alignment)); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t, align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, const nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, const nothrow_t&) noexcept { std::free(memory); }
void operator delete(void* memory, align_val_t, const nothrow_t&) noexcept { std::free(memory); }
void operator delete[](void* memory, align_val_t, const nothrow_t&) noexcept { std::free(memory); }
