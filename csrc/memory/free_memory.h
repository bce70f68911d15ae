// Memory that was freed and that the allocator keeps for later.
#pragma once

namespace inferno {

// Gives it back to the system: loading frees much that is never wanted again. Takes some milliseconds, and other threads
// wait when they allocate. No effect where the C library has no such call. Thread-safe.
void release_free_memory();

}  // namespace inferno
