// GrammarCompiler: grammars for one model's vocabulary, by llguidance. Knows tokens' bytes and nothing else of the model.
#pragma once

#include <memory>
#include <string>

#include "backends/tokenizer.h"
#include "constraints/constraint.h"
#include "constraints/llguidance_api.h"

namespace inferno {

// Thread-safe once created.
class GrammarCompiler {
 public:
  // Reads every token of `tokenizer`, which need not outlive it: takes a fraction of a second for 150,000. Special tokens
  // are such for grammars, too, by their text. kUnsupported when the library refuses the vocabulary.
  [[nodiscard]] static Result<std::shared_ptr<GrammarCompiler>> create(std::shared_ptr<const LlguidanceApi> api,
                                                                       const Tokenizer& tokenizer);

  // `type` is "json_schema", "regex" or "lark", `text` UTF-8. Takes as long as kLimits allow, some tens of milliseconds at
  // most for each of several stages. kInvalidArgument with what the library says against it.
  [[nodiscard]] Result<GrammarPtr> compile(const std::string& type, const std::string& text) const;

 private:
  struct Vocabulary;
  explicit GrammarCompiler(std::shared_ptr<const Vocabulary> vocabulary) : vocabulary_(std::move(vocabulary)) {}

  friend class LlguidanceGrammar;
  std::shared_ptr<const Vocabulary> vocabulary_;
};

}  // namespace inferno
