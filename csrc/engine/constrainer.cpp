#include "engine/constrainer.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>

#include "base/clock.h"

namespace inferno {

Constrainer::~Constrainer() {
  {
    std::lock_guard lock(mutex_);
    closing_ = true;
  }
  ready_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

Constrainer::Line& Constrainer::line_of(const Sequence& sequence) {
  std::unique_ptr<Line>& line = lines_[sequence.id];
  if (!line) {
    line = std::make_unique<Line>();
    line->grammar = sequence.request->grammar;
    line->mask.resize(line->grammar->mask_words());
  }
  return *line;
}

void Constrainer::begin(const StepPlan& plan) {
  for (const PlannedChunk& chunk : plan.chunks) {
    if (!chunk.samples || !chunk.sequence->request->grammar) continue;
    Line& line = line_of(*chunk.sequence);
    wait_for(line);  // a step that failed may have left it
    if (!line.computed) hand_over(line);
  }
}

void Constrainer::hand_over(Line& line) {
  {
    // Busy at last: what the system refuses before that fails this step, where nobody would ever be done with a busy line.
    std::lock_guard lock(mutex_);
    const auto waiting = static_cast<std::int32_t>(queue_.size()) + 1;
    if (static_cast<std::int32_t>(threads_.size()) < std::min(waiting, most_threads_)) {
      threads_.emplace_back([this] { work(); });
    }
    queue_.push_back(&line);
    line.busy = true;
  }
  ready_.notify_one();
}

void Constrainer::wait_for(const Line& line) {
  std::unique_lock lock(mutex_);
  if (!line.busy) return;
  const auto began = std::chrono::steady_clock::now();
  done_.wait(lock, [&] { return !line.busy; });
  stats_.wait_seconds += seconds(std::chrono::steady_clock::now() - began);
}

void Constrainer::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ready_.wait(lock, [this] { return closing_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Line& line = *queue_.front();
    queue_.pop_front();
    lock.unlock();
    const auto began = std::chrono::steady_clock::now();
    compute(line);
    const double took = seconds(std::chrono::steady_clock::now() - began);
    lock.lock();
    ++stats_.masks;
    stats_.mask_seconds += took;
    line.busy = false;
    done_.notify_all();
  }
}

void Constrainer::compute(Line& line) {
  try {
    if (!line.constraint) line.constraint = line.grammar->begin();
    line.status = line.constraint->fill_mask(line.mask);
  } catch (const std::exception& error) {
    line.status = Status(StatusCode::kInternal, std::string("a mask of allowed tokens could not be computed: ") + error.what());
  }
  line.computed = true;
}

Result<TokenMask> Constrainer::mask(const Sequence& sequence) {
  Line& line = line_of(sequence);
  wait_for(line);
  if (!line.computed) {
    const auto began = std::chrono::steady_clock::now();
    compute(line);
    const double took = seconds(std::chrono::steady_clock::now() - began);
    std::lock_guard lock(mutex_);
    ++stats_.masks;
    stats_.mask_seconds += took;
    stats_.wait_seconds += took;
  }
  if (!line.status.ok()) return line.status;
  return TokenMask(line.mask);
}

Result<bool> Constrainer::accept(const Sequence& sequence, TokenId token) {
  Line& line = line_of(sequence);
  line.computed = false;
  if (Status status = line.constraint->accept(token); !status.ok()) return status;
  return line.constraint->finished();
}

std::size_t Constrainer::count_valid(const Sequence& sequence, std::span<const TokenId> tokens) {
  Line& line = line_of(sequence);
  wait_for(line);
  return line.constraint ? line.constraint->count_valid(tokens) : 0;
}

void Constrainer::forget(SequenceId sequence) {
  const auto found = lines_.find(sequence);
  if (found == lines_.end()) return;
  wait_for(*found->second);
  lines_.erase(found);
}

ConstraintStats Constrainer::stats() const {
  std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace inferno
