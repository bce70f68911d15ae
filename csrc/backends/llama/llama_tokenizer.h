// LlamaTokenizer: the Tokenizer of a GGUF file's own vocabulary.
#pragma once

#include <llama.h>

#include "backends/tokenizer.h"

namespace inferno {

// Renders the whole vocabulary when built (about 5 ms for 150,000 tokens): a table filled on demand would need a lock
// on the path of every output token.
class LlamaTokenizer final : public Tokenizer {
 public:
  // `vocab` must outlive this object and have a tokenizer (type other than none). `pre_tokenizer` is the file's
  // tokenizer.ggml.pre, which decides whether long runs must be refused (see run_limit.h).
  LlamaTokenizer(const llama_vocab* vocab, std::string_view pre_tokenizer);

  [[nodiscard]] std::int32_t vocab_size() const override { return llama_vocab_n_tokens(vocab_); }
  // kInvalidArgument also for a run of letters, digits, spaces or signs that this vocabulary's splitter does not
  // survive. kUnsupported when the vocabulary has no tokens for some bytes of the text.
  [[nodiscard]] Result<std::vector<TokenId>> encode(std::string_view text) const override;
  [[nodiscard]] std::string_view token_bytes(TokenId id) const override;
  [[nodiscard]] bool is_end_of_generation(TokenId id) const override { return llama_vocab_is_eog(vocab_, id); }
  [[nodiscard]] const std::vector<SpecialToken>& special_tokens() const override { return special_; }
  [[nodiscard]] TokenId bos() const override { return llama_vocab_bos(vocab_); }
  [[nodiscard]] TokenId eos() const override { return llama_vocab_eos(vocab_); }
  [[nodiscard]] bool adds_bos() const override;
  [[nodiscard]] TokenId closing() const override;
  [[nodiscard]] std::vector<TokenId> separator() const override;
  [[nodiscard]] InfillTokens infill() const override;
  [[nodiscard]] bool strips_leading_space() const override { return strips_leading_space_; }

 private:
  void render_vocabulary();
  [[nodiscard]] bool prefixes_space() const;

  const llama_vocab* vocab_;
  std::string bytes_;                // every token's bytes, one after the other
  std::vector<std::size_t> starts_;  // token id -> where its bytes start; one more entry marks the end
  std::vector<SpecialToken> special_;
  bool limits_runs_;
  bool strips_leading_space_ = false;
};

}  // namespace inferno
