// RowCost: what a row of a prompt costs here and now, by how many tokens of its text stand before it.
//
//   seconds of a row behind `context` tokens = pace * (base + slope * context)
//
// The weights' products take as long for every row (base); attention looks at every token before it (slope). So the chunks of a
// long prompt become dearer one after another, and an average of what they took is always behind. The line is fitted by least
// squares to the steps that were seen, and forgets slowly: it is the model's and the machine's. The pace, a moving average of
// what a step took to what the line says of it, follows a machine that has other things to do; it stretches the whole line, so
// that what a slow moment behind a long context teaches makes no row at the beginning of a text cost nothing.
#pragma once

#include <cstdint>

namespace inferno {

class RowCost {
 public:
  // So many rows (> 0), behind `context` tokens on average, took `seconds` (> 0). It counts with `weight`, 0 to 1.
  void observe(std::int32_t rows, double context, double seconds, double weight);

  [[nodiscard]] bool known() const { return weight_ > 0; }
  // Of `rows` rows from position `first` of a text on; 0 before anything was seen.
  [[nodiscard]] double seconds(std::int32_t rows, double first) const;
  // How many rows from `first` on are computed in so many seconds (> 0), once something was seen.
  [[nodiscard]] double rows_within(double seconds, std::int32_t first) const;

 private:
  struct Line {
    double base = 0;
    double slope = 0;
  };
  [[nodiscard]] Line line() const;  // without the pace

  // Of the steps seen, each with what is left of its weight: their sum, the means of context and of seconds a row, and the sums
  // of squares and of products of what they differ from those by.
  double weight_ = 0;
  double context_ = 0;
  double row_seconds_ = 0;
  double context_context_ = 0;
  double context_seconds_ = 0;
  double pace_ = 1;
};

}  // namespace inferno
