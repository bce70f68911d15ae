// A sink that gathers what each sequence said, checks the delivery contract, and lets a test wait for the end.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "output/output_sink.h"

namespace inferno {

struct Collected {
  std::string text;
  std::vector<TokenId> tokens;
  std::vector<TokenLogprob> logprobs;
  std::vector<TokenLogprob> prompt_logprobs;
  FinishReason finish = FinishReason::kNone;
  Status error;
  Usage usage;
};

class CollectingSink final : public OutputSink {
 public:
  using Key = std::pair<RequestId, std::int32_t>;

  void on_step(std::vector<OutputDelta> deltas) override {
    std::lock_guard lock(mutex_);
    for (const OutputDelta& delta : deltas) {
      Collected& one = all_[{delta.request, delta.index}];
      EXPECT_EQ(one.finish, FinishReason::kNone) << "a delta after the final one";
      if (!delta.tokens.empty()) order_.push_back(delta.request);
      one.text += delta.text;
      one.tokens.insert(one.tokens.end(), delta.tokens.begin(), delta.tokens.end());
      one.logprobs.insert(one.logprobs.end(), delta.logprobs.begin(), delta.logprobs.end());
      if (!delta.prompt_logprobs.empty()) {
        EXPECT_EQ(one.tokens.size(), delta.tokens.size()) << "scores come before text";
      }
      one.prompt_logprobs.insert(one.prompt_logprobs.end(), delta.prompt_logprobs.begin(), delta.prompt_logprobs.end());
      one.finish = delta.finish;
      one.error = delta.error;
      one.usage = delta.usage;
      if (delta.finish != FinishReason::kNone) ++finished_;
    }
    changed_.notify_all();
  }

  void wait_finished(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return finished_ >= n; });
  }
  void wait_finished(RequestId request) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_[{request, 0}].finish != FinishReason::kNone; });
  }
  // Waits until this sequence has said something.
  void wait_started(RequestId request) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_.contains({request, 0}) && !all_[{request, 0}].tokens.empty(); });
  }
  [[nodiscard]] Collected of(RequestId request, std::int32_t index = 0) {
    std::lock_guard lock(mutex_);
    return all_[{request, index}];
  }
  // Whose tokens came, one entry for each delta.
  [[nodiscard]] std::vector<RequestId> order() {
    std::lock_guard lock(mutex_);
    return order_;
  }
  [[nodiscard]] std::size_t finished() {
    std::lock_guard lock(mutex_);
    return finished_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<Key, Collected> all_;
  std::vector<RequestId> order_;
  std::size_t finished_ = 0;
};

}  // namespace inferno
