// Memory that was freed and that the allocator keeps for later.
#pragma once

namespace inferno {

// Gives it back to the system: loading frees much that is never wanted again. Takes some milliseconds, and other threads
// wait when they allocate. No effect where the C library has no such call. Thread-safe.
void release_free_memory();

// From now on blocks of a megabyte and more come from the system each by itself, and go back when they are freed. glibc
// begins so, but then takes blocks up to the largest that it has seen freed, 32 MB at most, from its heaps, in which tables
// of short life leave holes. For the whole process. No effect with other C libraries. Thread-safe.
void keep_large_blocks_apart();

}  // namespace inferno
