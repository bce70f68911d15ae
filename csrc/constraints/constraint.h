// Constraint: which tokens may come next, so that a sequence's text satisfies a grammar. CompiledGrammar: what one is
// made of, once for all sequences that ask for the same. Both are interfaces: the engine knows no library of grammars.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "base/ids.h"
#include "base/status.h"

namespace inferno {

// One bit per token, lowest first; ids beyond its end are not allowed.
using TokenMask = std::span<const std::uint32_t>;
inline constexpr std::size_t kMaskWordBits = 32;

// The state of one sequence. Used by one thread at a time.
class Constraint {
 public:
  virtual ~Constraint() = default;

  // Sets the bits of the tokens that may come next and clears the others, of a mask of CompiledGrammar::mask_words()
  // words. Ends of generation are among them where the text may end here. On failure the sequence cannot go on.
  [[nodiscard]] virtual Status fill_mask(std::span<std::uint32_t> mask) = 0;

  // `token`, which the mask allows and which is no end of generation, was chosen.
  [[nodiscard]] virtual Status accept(TokenId token) = 0;

  // How many leading tokens may come next, one after the other. Changes nothing.
  [[nodiscard]] virtual std::size_t count_valid(std::span<const TokenId> tokens) = 0;

  // The text satisfies the grammar, and nothing may follow it.
  [[nodiscard]] virtual bool finished() const = 0;
};

// Thread-safe.
class CompiledGrammar {
 public:
  virtual ~CompiledGrammar() = default;

  // A constraint at the beginning of a text. It may outlive the grammar. Throws std::bad_alloc.
  [[nodiscard]] virtual std::unique_ptr<Constraint> begin() = 0;

  // The vocabulary that it was compiled for.
  [[nodiscard]] virtual std::int32_t vocab_size() const = 0;

  [[nodiscard]] std::size_t mask_words() const {
    return (static_cast<std::size_t>(vocab_size()) + kMaskWordBits - 1) / kMaskWordBits;
  }
};

using GrammarPtr = std::shared_ptr<CompiledGrammar>;

}  // namespace inferno
