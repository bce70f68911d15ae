#include "sampling/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "sampling/candidates.h"
#include "sampling/dry.h"
#include "sampling/logit_row.h"
#include "sampling/mirostat.h"
#include "sampling/penalties.h"
#include "sampling/random.h"
#include "sampling/token_counts.h"
#include "sampling/truncations.h"

namespace inferno {
namespace {

// From this mass of a row on, top-p looks at the whole of it and lists nothing: that many tokens as probable as the best.
constexpr double kFlatMass = 1000.0;

// A temperature near 0 must not overflow: (logit - peak) * infinity is no number at the peak itself.
float inverse_of(float temperature) { return std::min(1.0f / temperature, std::numeric_limits<float>::max()); }

// The end of the history that a window of `last_n` sees; -1 is all.
std::span<const TokenId> window_of(std::span<const TokenId> history, std::int32_t last_n) {
  return last_n < 0 ? history : history.last(std::min(history.size(), static_cast<std::size_t>(last_n)));
}

bool has_repetition_penalty(const SamplingParams& p) { return p.repetition_penalty != 1.0f && p.penalty_last_n != 0; }
bool has_frequency_penalty(const SamplingParams& p) {
  return p.frequency_penalty != 0.0f || p.presence_penalty != 0.0f;
}
bool has_dry(const SamplingParams& p) { return p.dry_multiplier > 0.0f && p.dry_last_n != 0; }

}  // namespace

struct SamplerScratch::Buffers {
  std::vector<float> logits;  // a row of our own, when logits change
  std::vector<float> masses;  // of a row
  std::vector<double> blocks;
  std::vector<Candidate> candidates;
  std::vector<Candidate> work;
  DryScratch dry;
};

SamplerScratch::SamplerScratch() : buffers_(std::make_unique<Buffers>()) {}
SamplerScratch::~SamplerScratch() = default;

struct Sampler::State {
  const SamplingParams& params;
  Random random;
  Mirostat mirostat;
  std::vector<TokenId> history;  // prompt and output; empty unless a penalty reads it
  TokenCounts seen;              // in the window of the repetition penalty
  TokenCounts said;              // in the output
  std::size_t unbroken = 0;      // tokens at the end of the history after DRY's last breaker

  State(const SamplingParams& p, std::int32_t index, std::span<const TokenId> prompt);
  [[nodiscard]] bool changes_logits() const;
  std::span<const float> adjust(std::span<const float> logits, std::span<const TokenId> forbidden, TokenMask allowed,
                                SamplerScratch::Buffers& b) const;
  bool truncate(std::span<const float> row, const Peak& peak, SamplerScratch::Buffers& b, RowCut& cut);
  TokenId draw(std::span<const float> row, const Peak& peak, SamplerScratch::Buffers& b);
  TokenId draw_mirostat(std::span<const float> row, const Peak& peak, SamplerScratch::Buffers& b);
  void remember(TokenId token);
};

Sampler::State::State(const SamplingParams& p, std::int32_t index, std::span<const TokenId> prompt)
    : params(p),
      random(p.seed + static_cast<std::uint64_t>(index)),
      mirostat(p.mirostat_tau, p.mirostat_eta) {
  if (has_repetition_penalty(p) || has_dry(p)) history.assign(prompt.begin(), prompt.end());
  if (has_repetition_penalty(p)) {
    for (const TokenId token : window_of(history, p.penalty_last_n)) seen.add(token);
  }
  if (has_dry(p)) unbroken = tail_after_breaker(window_of(history, p.dry_last_n), p.dry_breakers);
}

bool Sampler::State::changes_logits() const {
  return !params.logit_bias.empty() || has_repetition_penalty(params) || has_frequency_penalty(params) ||
         has_dry(params);
}

// The row to choose from: the caller's own when nothing changes in it.
std::span<const float> Sampler::State::adjust(std::span<const float> logits, std::span<const TokenId> forbidden,
                                              TokenMask allowed, SamplerScratch::Buffers& b) const {
  if (!changes_logits() && forbidden.empty() && allowed.empty()) return logits;
  if (allowed.empty()) b.logits.assign(logits.begin(), logits.end());
  else copy_allowed(logits, allowed, b.logits);
  add_bias(b.logits, params.logit_bias);
  penalize_repetition(b.logits, seen.entries(), params.repetition_penalty);
  penalize_frequency(b.logits, said.entries(), params.frequency_penalty, params.presence_penalty);
  if (has_dry(params)) {
    const DryPenalty penalty{params.dry_multiplier, params.dry_base, params.dry_allowed_length, params.dry_breakers};
    penalize_dry(b.logits, window_of(history, params.dry_last_n), unbroken, penalty, b.dry);
  }
  forbid(b.logits, forbidden);
  return b.logits;
}

// Leaves in `cut` what may be drawn, and returns false; or leaves it in b.candidates, and returns true.
bool Sampler::State::truncate(std::span<const float> row, const Peak& peak, SamplerScratch::Buffers& b, RowCut& cut) {
  bool listed = false;
  const auto list = [&] {
    if (!listed) collect_kept(row, cut, b.candidates);
    listed = true;
  };
  const auto keep_above = [&](double floor) {
    if (listed) keep_if(b.candidates, [floor](const Candidate& c) { return static_cast<double>(c.logit) >= floor; });
    else cut = raised_to(cut, floor);
  };
  const auto keep_mass = [&](bool typical, float share) {
    if (!listed && cut.keeps_all()) {
      const double total = row_masses(row, peak.logit, 1.0f, b.masses);
      const double mass = static_cast<double>(share) * total;
      if (!typical && total > kFlatMass) {
        cut = nucleus_cut(row, b.masses, peak, mass, b.work);
        return;
      }
      const double center = typical ? row_expected_logit(row, peak.logit) : static_cast<double>(peak.logit);
      collect_nearest(row, peak, center, mass, b.candidates, b.work);
      listed = true;
      return;
    }
    list();
    const double total = weigh(b.candidates, peak.logit, 1.0f);
    const double center = typical ? typical_center(b.candidates) : static_cast<double>(peak_logit(b.candidates));
    keep_nearest(b.candidates, center, static_cast<double>(share) * total, b.work);
  };
  if (params.top_n_sigma > 0.0f) keep_above(top_n_sigma_floor(row, peak, params.top_n_sigma));
  if (params.top_k > 0 && static_cast<std::size_t>(params.top_k) < row.size()) {
    const auto count = static_cast<std::size_t>(params.top_k);
    if (cut.keeps_all()) collect_best(row, count, b.candidates, b.work);
    else list(), keep_best(b.candidates, count, b.work);
    listed = true;
  }
  if (params.typical_p < 1.0f) keep_mass(true, params.typical_p);
  if (params.top_p < 1.0f) keep_mass(false, params.top_p);
  if (params.min_p > 0.0f) keep_above(min_p_floor(listed ? peak_logit(b.candidates) : peak.logit, params.min_p));
  // The draw for XTC is made whenever it is on, so that what else is set does not shift the numbers.
  if (params.xtc_probability > 0.0f && random.uniform() < static_cast<double>(params.xtc_probability) &&
      params.xtc_threshold <= 0.5f) {
    list();
    weigh(b.candidates, peak.logit, 1.0f);
    exclude_top_choices(b.candidates, params.xtc_threshold);
  }
  return listed;
}

TokenId Sampler::State::draw(std::span<const float> row, const Peak& peak, SamplerScratch::Buffers& b) {
  const float inverse = inverse_of(params.temperature);
  RowCut cut;
  bool listed = truncate(row, peak, b, cut);
  // Of few, a list costs less than another pass over the row that weighs all.
  if (!listed && !cut.keeps_all() && count_from(row, cut.logit) < row.size() / 4) {
    collect_kept(row, cut, b.candidates);
    listed = true;
  }
  if (listed) {
    const double total = weigh(b.candidates, peak_logit(b.candidates), inverse);
    return pick(b.candidates, random.uniform() * total).id;
  }
  const double total = row_mass(row, peak.logit, inverse, &b.blocks, cut);
  return pick_from_row(row, peak.logit, inverse, b.blocks, random.uniform() * total, cut);
}

TokenId Sampler::State::draw_mirostat(std::span<const float> row, const Peak& peak, SamplerScratch::Buffers& b) {
  const float inverse = inverse_of(params.temperature);
  const double total = row_mass(row, peak.logit, inverse);
  const double floor = static_cast<double>(peak.logit) +
                       (mirostat.log_probability_floor() + std::log(total)) / static_cast<double>(inverse);
  if (floor > static_cast<double>(peak.logit)) {
    b.candidates.assign(1, {peak.id, peak.logit, 0.0f});
  } else {
    collect_between(row, floor, std::numeric_limits<double>::infinity(), b.candidates);
  }
  const double kept = weigh(b.candidates, peak.logit, inverse);
  const Candidate& drawn = pick(b.candidates, random.uniform() * kept);
  mirostat.observe(static_cast<double>(drawn.mass) / total);
  return drawn.id;
}

void Sampler::State::remember(TokenId token) {
  if (has_frequency_penalty(params)) said.add(token);
  if (!has_repetition_penalty(params) && !has_dry(params)) return;
  history.push_back(token);
  if (has_repetition_penalty(params)) {
    seen.add(token);
    const std::size_t window = window_of(history, params.penalty_last_n).size();
    if (window < history.size()) seen.remove(history[history.size() - window - 1]);
  }
  if (has_dry(params)) unbroken = ends_with_breaker(history, params.dry_breakers) ? 0 : unbroken + 1;
}

Sampler::Sampler(const SamplingParams& params, std::int32_t index, std::span<const TokenId> prompt)
    : state_(std::make_unique<State>(params, index, prompt)) {}
Sampler::~Sampler() = default;
Sampler::Sampler(Sampler&&) noexcept = default;

TokenId Sampler::sample(std::span<const float> logits, SamplerScratch& scratch, std::span<const TokenId> forbidden,
                        TokenMask allowed) {
  SamplerScratch::Buffers& buffers = scratch.buffers();
  if (state_->params.temperature == 0.0f && !state_->changes_logits()) {  // nothing looks back, nor need be remembered
    if (!allowed.empty() && forbidden.empty()) return allowed_peak(logits, allowed).id;
    if (allowed.empty()) {
      const TokenId best = row_peak(logits).id;
      if (std::find(forbidden.begin(), forbidden.end(), best) == forbidden.end()) return best;  // and no row was copied
    }
  }
  const std::span<const float> row = state_->adjust(logits, forbidden, allowed, buffers);
  const Peak peak = row_peak(row);
  TokenId token = peak.id;
  if (state_->params.temperature > 0.0f) {
    token = state_->params.mirostat ? state_->draw_mirostat(row, peak, buffers) : state_->draw(row, peak, buffers);
  }
  state_->remember(token);
  return token;
}

}  // namespace inferno
