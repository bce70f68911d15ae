#include "memory/free_memory.h"

#include <cstdlib>  // defines __GLIBC__

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace inferno {

void release_free_memory() {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

void keep_large_blocks_apart() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
}

}  // namespace inferno
