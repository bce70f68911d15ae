#include "backends/fake/fake_pace.h"

#include <thread>

#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace inferno {

void fake_pace(std::chrono::steady_clock::time_point start, std::int64_t step_us) {
  if (step_us <= 0) return;
#ifdef __linux__
  // Else the kernel lets a thread sleep 50 us longer than it wants to, a third of a step of 150.
  thread_local const int exact = prctl(PR_SET_TIMERSLACK, 1UL);
  (void)exact;
#endif
  std::this_thread::sleep_until(start + std::chrono::microseconds(step_us));
}

}  // namespace inferno
