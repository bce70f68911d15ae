#include "constraints/llguidance.h"

#include <algorithm>
#include <array>
#include <mutex>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

namespace inferno {
namespace {

constexpr std::uint32_t kNoEnd = 0xFFFFFFFF;
constexpr char kSpecialMarker = '\xFF';  // before a special token's text: no byte of UTF-8
constexpr std::size_t kLongestMessage = 400;
constexpr std::size_t kKeptMatchers = 8;  // of a grammar, that wait for the next sequence with what they have learned

// What one grammar may cost. Fuel is work: llguidance's own figures are 50 units a microsecond while compiling, 14 while
// masks are computed, and 1 to 2 KB for a state.
constexpr std::uint64_t kCompileFuel = 1'000'000;
constexpr std::uint64_t kStepFuel = 200'000;
constexpr std::size_t kStepItems = 50'000;
constexpr std::size_t kRowItems = 2'000;
constexpr std::size_t kLexerStates = 32'000;
constexpr std::size_t kGrammarSymbols = 500'000;

Status refusal(std::string message) {
  if (message.size() > kLongestMessage) {
    std::size_t end = kLongestMessage;
    while (end > 0 && (static_cast<unsigned char>(message[end]) & 0xC0) == 0x80) --end;  // not within a character
    message.resize(end);
    message += "...";
  }
  return invalid_argument("grammar", std::move(message));
}

}  // namespace

struct GrammarCompiler::Vocabulary {
  Vocabulary(std::shared_ptr<const LlguidanceApi> library, LlgTokenizer* made, std::int32_t tokens)
      : api(std::move(library)), tokenizer(made), size(tokens) {}
  ~Vocabulary() { api->free_tokenizer(tokenizer); }
  Vocabulary(const Vocabulary&) = delete;
  Vocabulary& operator=(const Vocabulary&) = delete;

  const std::shared_ptr<const LlguidanceApi> api;
  LlgTokenizer* const tokenizer;
  const std::int32_t size;
};

// Keeps one matcher at the beginning to copy, and those that sequences are done with: reset, they begin with the lexer
// states that were computed before.
class LlguidanceGrammar final : public CompiledGrammar, public std::enable_shared_from_this<LlguidanceGrammar> {
 public:
  using Vocabulary = GrammarCompiler::Vocabulary;
  LlguidanceGrammar(std::shared_ptr<const Vocabulary> vocabulary, LlgMatcher* fresh)
      : vocabulary_(std::move(vocabulary)), fresh_(fresh) {}
  ~LlguidanceGrammar() override {
    for (LlgMatcher* matcher : kept_) api().free_matcher(matcher);
    api().free_matcher(fresh_);
  }

  [[nodiscard]] std::unique_ptr<Constraint> begin() override;
  [[nodiscard]] std::int32_t vocab_size() const override { return vocabulary_->size; }
  [[nodiscard]] const LlguidanceApi& api() const { return *vocabulary_->api; }

  void give_back(LlgMatcher* matcher) {
    if (api().matcher_reset(matcher) == 0) {
      std::lock_guard lock(mutex_);
      if (kept_.size() < kKeptMatchers) return kept_.push_back(matcher);
    }
    api().free_matcher(matcher);
  }

 private:
  const std::shared_ptr<const Vocabulary> vocabulary_;
  std::mutex mutex_;
  LlgMatcher* const fresh_;
  std::vector<LlgMatcher*> kept_;
};

namespace {

class LlguidanceConstraint final : public Constraint {
 public:
  LlguidanceConstraint(std::shared_ptr<LlguidanceGrammar> grammar, LlgMatcher* matcher)
      : grammar_(std::move(grammar)), api_(grammar_->api()), matcher_(matcher) {}
  ~LlguidanceConstraint() override { grammar_->give_back(matcher_); }

  [[nodiscard]] Status fill_mask(std::span<std::uint32_t> mask) override {
    return checked(api_.matcher_compute_mask_into(matcher_, mask.data(), mask.size_bytes()));
  }
  [[nodiscard]] Status accept(TokenId token) override {
    return checked(api_.matcher_consume_token(matcher_, static_cast<std::uint32_t>(token)));
  }
  [[nodiscard]] std::size_t count_valid(std::span<const TokenId> tokens) override {
    const std::vector<std::uint32_t> ids(tokens.begin(), tokens.end());
    const std::int32_t count = api_.matcher_validate_tokens(matcher_, ids.data(), ids.size());
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  [[nodiscard]] bool finished() const override { return api_.matcher_is_stopped(matcher_); }

 private:
  [[nodiscard]] Status checked(std::int32_t result) const {
    if (result == 0) return {};
    const char* why = api_.matcher_get_error(matcher_);
    return refusal(std::string("the answer cannot be kept to its grammar any further: ") + (why ? why : "unknown"));
  }

  const std::shared_ptr<LlguidanceGrammar> grammar_;
  const LlguidanceApi& api_;
  LlgMatcher* const matcher_;
};

}  // namespace

std::unique_ptr<Constraint> LlguidanceGrammar::begin() {
  LlgMatcher* matcher = nullptr;
  {
    std::lock_guard lock(mutex_);
    if (kept_.empty()) {
      matcher = api().clone_matcher(fresh_);
    } else {
      matcher = kept_.back();
      kept_.pop_back();
    }
  }
  if (matcher == nullptr) throw std::bad_alloc();
  return std::make_unique<LlguidanceConstraint>(shared_from_this(), matcher);
}

Result<std::shared_ptr<GrammarCompiler>> GrammarCompiler::create(std::shared_ptr<const LlguidanceApi> api,
                                                                 const Tokenizer& tokenizer) {
  std::unordered_map<TokenId, std::string> special;
  for (const SpecialToken& token : tokenizer.special_tokens()) special[token.id] = kSpecialMarker + token.text;
  std::vector<std::uint32_t> lengths, ends;
  std::string bytes;
  for (TokenId id = 0; id < tokenizer.vocab_size(); ++id) {
    const auto found = special.find(id);
    std::string_view piece = found == special.end() ? tokenizer.token_bytes(id) : std::string_view(found->second);
    if (found == special.end() && piece.starts_with(kSpecialMarker)) piece = {};  // the byte itself: in no text
    lengths.push_back(static_cast<std::uint32_t>(piece.size()));
    bytes += piece;
    if (tokenizer.is_end_of_generation(id)) ends.push_back(static_cast<std::uint32_t>(id));
  }
  LlgTokenizerInit init;
  init.vocab_size = static_cast<std::uint32_t>(lengths.size());
  init.tok_eos = ends.empty() ? kNoEnd : ends.front();
  init.token_lens = lengths.data();
  init.token_bytes = reinterpret_cast<const std::uint8_t*>(bytes.data());
  init.use_approximate_greedy_tokenize_fn = true;  // used for nothing but fast-forward tokens, which are not asked for
  init.tok_eos_extra = ends.size() > 1 ? ends.data() + 1 : nullptr;
  init.tok_eos_extra_count = ends.size() > 1 ? static_cast<std::uint32_t>(ends.size() - 1) : 0;
  std::array<char, kLongestMessage> error{};
  LlgTokenizer* made = api->new_tokenizer_v2(&init, error.data(), error.size());
  if (made == nullptr) {
    return Status(StatusCode::kUnsupported, std::string("grammars cannot be used with this vocabulary: ") + error.data());
  }
  auto vocabulary = std::make_shared<const Vocabulary>(std::move(api), made, tokenizer.vocab_size());
  return std::shared_ptr<GrammarCompiler>(new GrammarCompiler(std::move(vocabulary)));
}

Result<GrammarPtr> GrammarCompiler::compile(const std::string& type, const std::string& text) const {
  if (text.find('\0') != std::string::npos) return refusal("the grammar holds a character of code 0");
  const LlguidanceApi& api = *vocabulary_->api;
  LlgConstraintInit init;
  api.constraint_init_set_defaults(&init, vocabulary_->tokenizer);
  init.log_stderr_level = 0;
  init.limits = {.max_items_in_row = kRowItems, .initial_lexer_fuel = kCompileFuel, .step_lexer_fuel = kStepFuel,
                 .step_max_items = kStepItems, .max_lexer_states = kLexerStates, .max_grammar_size = kGrammarSymbols,
                 .precompute_large_lexemes = true, .verbose_errors = false};
  LlgMatcher* matcher = api.new_matcher(&init, type.c_str(), text.c_str());
  if (matcher == nullptr) throw std::bad_alloc();
  auto grammar = std::make_shared<LlguidanceGrammar>(vocabulary_, matcher);  // frees it in any case
  if (const char* error = api.matcher_get_error(matcher)) return refusal(error);
  if (api.matcher_get_mask_byte_size(matcher) != grammar->mask_words() * sizeof(std::uint32_t)) {
    throw InternalError("llguidance's mask has another size than the vocabulary");
  }
  return GrammarPtr(std::move(grammar));
}

}  // namespace inferno
