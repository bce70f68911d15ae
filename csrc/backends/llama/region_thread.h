// Which thread of a parallel region this is. Each has its part of scratch memory that was taken before the region: what is thrown in
// one ends the process, std::bad_alloc among it.
#pragma once

#include <cstddef>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace inferno {

// From 0 on, below the number of threads that the region was to have.
inline std::size_t region_thread() {
#ifdef _OPENMP
  return static_cast<std::size_t>(omp_get_thread_num());
#else
  return 0;
#endif
}

}  // namespace inferno
