// A grammar for tests, with no library behind it: the text is one of some words of bytes, ended by an end of generation
// or, where no other word goes on, by itself. It may be slow, and it may fail after so many tokens.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "backends/fake/byte_tokenizer.h"
#include "constraints/constraint.h"

namespace inferno {

struct WordOptions {
  std::int32_t vocab = ByteTokenizer::kMinVocab;
  std::chrono::microseconds mask_time{0};
  std::size_t fail_after = static_cast<std::size_t>(-1);  // tokens, after which there is no mask
};

class WordGrammar final : public CompiledGrammar {
 public:
  explicit WordGrammar(std::vector<std::string> words, WordOptions options = {})
      : words_(std::move(words)), options_(options) {}

  [[nodiscard]] std::unique_ptr<Constraint> begin() override;
  [[nodiscard]] std::int32_t vocab_size() const override { return options_.vocab; }
  [[nodiscard]] int alive() const { return alive_; }
  // On the thread that accepts tokens.
  [[nodiscard]] int masks_by_the_engine() const { return masks_by_the_engine_; }

 private:
  class State;
  const std::vector<std::string> words_;
  const WordOptions options_;
  std::atomic<int> alive_ = 0;
  std::atomic<int> masks_by_the_engine_ = 0;
};

class WordGrammar::State final : public Constraint {
 public:
  explicit State(WordGrammar& grammar) : grammar_(grammar) { ++grammar_.alive_; }
  ~State() override { --grammar_.alive_; }

  [[nodiscard]] Status fill_mask(std::span<std::uint32_t> mask) override {
    std::this_thread::sleep_for(grammar_.options_.mask_time);
    if (std::this_thread::get_id() == accepting_) ++grammar_.masks_by_the_engine_;
    if (said_.size() >= grammar_.options_.fail_after) return invalid_argument("grammar", "the grammar gave up");
    std::fill(mask.begin(), mask.end(), 0u);
    const auto allow = [&](std::size_t id) { mask[id / kMaskWordBits] |= 1u << (id % kMaskWordBits); };
    for (const std::string& word : grammar_.words_) {
      if (!word.starts_with(said_)) continue;
      if (word == said_) allow(ByteTokenizer::kEos);
      else allow(static_cast<unsigned char>(word[said_.size()]));
    }
    return {};
  }
  [[nodiscard]] Status accept(TokenId token) override {
    if (count_valid(std::span(&token, 1)) == 0) return Status(StatusCode::kInternal, "a token that was not allowed");
    said_ += static_cast<char>(token);
    accepting_ = std::this_thread::get_id();
    return {};
  }
  [[nodiscard]] std::size_t count_valid(std::span<const TokenId> tokens) override {
    std::string tried = said_;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      tried += static_cast<char>(tokens[i]);
      if (tokens[i] > 255 || count_going_on(tried, false) == 0) return i;
    }
    return tokens.size();
  }
  [[nodiscard]] bool finished() const override { return count_going_on(said_, true) == 0; }

 private:
  [[nodiscard]] std::ptrdiff_t count_going_on(const std::string& begun, bool longer) const {
    return std::count_if(grammar_.words_.begin(), grammar_.words_.end(), [&](const std::string& word) {
      return word.starts_with(begun) && (!longer || word.size() > begun.size());
    });
  }

  WordGrammar& grammar_;
  std::string said_;
  std::thread::id accepting_;
};

inline std::unique_ptr<Constraint> WordGrammar::begin() { return std::make_unique<State>(*this); }

}  // namespace inferno
