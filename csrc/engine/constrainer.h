// Constrainer: keeps the grammar's state of each sequence whose request has one, and computes masks of allowed tokens on
// threads of its own, while the model computes the logits that they are for. The threads start with the first grammar.
//
// All calls are the engine thread's. A constraint is used by it or by one thread of the pool, never by both: begin() hands
// constraints over, and whoever asks about one waits until it is back.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "constraints/constraint.h"
#include "scheduler/step_plan.h"

namespace inferno {

struct ConstraintStats {
  std::uint64_t masks = 0;
  double mask_seconds = 0;  // spent computing them, on whatever thread
  double wait_seconds = 0;  // of it, what the engine thread waited for or computed itself: the rest cost no time
};

class Constrainer {
 public:
  explicit Constrainer(std::int32_t threads) : most_threads_(threads) {}
  ~Constrainer();

  // Before the forward pass: starts computing a mask for each chunk of the plan that samples under a grammar.
  void begin(const StepPlan& plan);

  // The tokens that may come next in a sequence whose request has a grammar; valid until its next accept() or forget().
  // The first after begin() was computed meanwhile, others (after accepted guesses) are computed here.
  [[nodiscard]] Result<TokenMask> mask(const Sequence& sequence);

  // `token` was chosen under mask(), and is no end of generation. True when the text is complete with it.
  [[nodiscard]] Result<bool> accept(const Sequence& sequence, TokenId token);

  // Of tokens guessed to come next, how many the grammar allows.
  [[nodiscard]] std::size_t count_valid(const Sequence& sequence, std::span<const TokenId> tokens);

  // The sequence has ended. No effect when it is unknown.
  void forget(SequenceId sequence);

  [[nodiscard]] ConstraintStats stats() const;
  [[nodiscard]] std::size_t size() const { return lines_.size(); }

 private:
  struct Line {
    GrammarPtr grammar;
    std::unique_ptr<Constraint> constraint;  // made by the pool, at the first mask
    std::vector<std::uint32_t> mask;
    Status status;          // of the newest mask
    bool computed = false;  // `mask` is of the constraint's state
    bool busy = false;      // handed over; guarded by mutex_
  };

  [[nodiscard]] Line& line_of(const Sequence& sequence);
  void hand_over(Line& line);
  void wait_for(const Line& line);
  void compute(Line& line);  // on either side
  void work();

  const std::int32_t most_threads_;
  std::unordered_map<SequenceId, std::unique_ptr<Line>> lines_;
  mutable std::mutex mutex_;
  std::condition_variable ready_;  // for the pool: there is work, or the end
  std::condition_variable done_;   // for the engine thread
  std::deque<Line*> queue_;
  ConstraintStats stats_;
  bool closing_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace inferno
