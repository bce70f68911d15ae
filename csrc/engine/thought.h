// Thought: how far one sequence's thinking is, told by the tokens that open and close it.
#pragma once

#include "request/request.h"

namespace inferno {

class Thought {
 public:
  explicit Thought(const ThoughtLimit& limit) : limit_(limit), thinking_(limit.begun) {}

  // The next token must be the one that closes. `enough`: somebody has heard enough of it.
  [[nodiscard]] bool ends(bool enough) const { return thinking_ && (enough || taken_ >= limit_.tokens); }

  // `token` was chosen. What is opened after the first thought has ended is no thought any more.
  void take(TokenId token) {
    if (token == limit_.close) {
      thinking_ = false;
      over_ = true;
    } else if (thinking_) {
      ++taken_;
    } else if (!over_ && token == limit_.open) {
      thinking_ = true;
    }
  }

 private:
  ThoughtLimit limit_;
  bool thinking_;
  bool over_ = false;
  std::int32_t taken_ = 0;
};

}  // namespace inferno
