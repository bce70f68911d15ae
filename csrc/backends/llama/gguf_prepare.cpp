#include "backends/llama/gguf_prepare.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "backends/llama/gguf_head.h"
#include "backends/llama/gguf_plan.h"
#include "backends/llama/row_carrier.h"
#include "base/host_limits.h"

namespace inferno {
namespace {

constexpr std::int32_t kMostThreads = 512;
constexpr auto kReportEvery = std::chrono::milliseconds(100);

// Threads that take slice after slice until none is left or one has failed. Others than the caller touch only this.
class Carrying {
 public:
  Carrying(const std::vector<RowSlice>& slices, const NewFile& file) : slices_(slices), file_(file) {}

  Status run(std::size_t threads, const std::function<bool(float)>& progress) {
    std::vector<std::jthread> workers;
    running_ = std::min(threads, slices_.size());
    for (std::size_t i = running_; i > 0; --i) workers.emplace_back([this] { work(); });
    std::unique_lock lock(mutex_);
    while (!finished_.wait_for(lock, kReportEvery, [this] { return running_ == 0; })) {
      lock.unlock();
      const bool go_on = !progress || progress(done());
      lock.lock();
      if (!go_on && status_.ok()) status_ = Status(StatusCode::kCancelled, "preparing the model was given up");
      if (!go_on) stopped_ = true;
    }
    return status_;
  }

 private:
  float done() const { return static_cast<float>(finished_slices_) / static_cast<float>(slices_.size()); }

  Status carry_slices() {
    RowCarrier carrier(file_);
    for (std::size_t i = next_++; i < slices_.size() && !stopped_; i = next_++) {
      if (Status status = carrier.carry(slices_[i]); !status.ok()) return status;
      ++finished_slices_;
    }
    return {};
  }

  void work() {
    Status status;
    try {
      status = carry_slices();
    } catch (const std::bad_alloc&) {  // out of a thread it would end the process
      status = Status(StatusCode::kOutOfMemory, "there is no memory for the buffers that carry weights");
    }
    const std::lock_guard lock(mutex_);
    if (!status.ok()) stopped_ = true;
    if (status_.ok()) status_ = std::move(status);
    if (--running_ == 0) finished_.notify_one();
  }

  const std::vector<RowSlice>& slices_;
  const NewFile& file_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<std::size_t> finished_slices_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;
  std::condition_variable finished_;
  std::size_t running_ = 0;  // under mutex_
  Status status_;            // the first failure; under mutex_
};

// As many as asked for, or as can be of use: most file systems let one thread at a time write to a file, and others that
// want to burn their core until it is their turn. So what is only copied is copied by one.
std::size_t threads_for(const PreparedStats& stats, std::int32_t asked) {
  if (asked > 0) return static_cast<std::size_t>(asked);
  return stats.copied_bytes > stats.bytes / 4 * 3 ? 1 : static_cast<std::size_t>(usable_cores());
}

PreparedStats stats_of(const GgufHead& head, const std::vector<RowSlice>& slices) {
  PreparedStats stats;
  stats.tensors = head.offsets.size();
  stats.bytes = head.file_bytes;
  for (const RowSlice& slice : slices) {
    if (is_copied(slice)) stats.copied_bytes += slice.count * slice.tensor->row_bytes;
  }
  return stats;
}

}  // namespace

Result<PreparedStats> prepare_gguf_file(const WeightViews& weights, const PrepareOrder& order) {
  if (order.threads < 0 || order.threads > kMostThreads) {
    return invalid_argument("threads", "threads is " + std::to_string(order.threads) + "; it must be 0 to " +
                                           std::to_string(kMostThreads));
  }
  const Result<std::vector<PlannedTensor>> planned = check_plan(order.tensors, weights);
  if (!planned.ok()) return planned.status();
  const Result<GgufHead> head = make_gguf_head(order.metadata, planned.value());
  if (!head.ok()) return head.status();
  const std::vector<RowSlice> slices = cut_slices(planned.value(), head.value().offsets);

  Result<NewFile> file = NewFile::create(order.out_path, head.value().file_bytes);
  if (!file.ok()) return file.status();
  if (Status status = file.value().write(0, head.value().bytes); !status.ok()) return status;
  const PreparedStats stats = stats_of(head.value(), slices);
  const std::size_t threads = threads_for(stats, order.threads);
  if (Status status = Carrying(slices, file.value()).run(threads, order.progress); !status.ok()) return status;
  if (Status status = file.value().commit(); !status.ok()) return status;
  return stats;
}

}  // namespace inferno
