// FairShare: how much of the machine each tenant has had, so that the one that had least is served next. A tenant that
// comes (back) starts level with the least served of its class that are present: idling saves nothing up, and nobody pays for the past.
// A tenant of weight 2 is entitled to twice as much as one of weight 1, which is what everybody has who is given none.
// Above the shares stand classes: one of a lower number, 0 for who is given none, is served before those of a higher one.
// After "virtual token counters" (Sheng et al., Fairness in Serving Large Language Models, 2024).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "base/clock.h"
#include "base/ids.h"

namespace inferno {

// What an operator has said of tenants; of the others weight is 1 and the class 0.
struct TenantTerms {
  std::map<Tenant, double> weights = {};
  std::map<Tenant, std::int32_t> classes = {};
};

class FairShare {
 public:
  // A decode row costs more than a prefill row: it takes the weights' whole way through memory for one token.
  static constexpr double kPrefillCost = 1.0;
  static constexpr double kDecodeCost = 2.0;

  // A tenant is about while it has a sequence, and for `about_seconds` after it had its last.
  explicit FairShare(TenantTerms terms = {}, double about_seconds = 0) : terms_(std::move(terms)), about_seconds_(about_seconds) {}

  // Says what time it is. Who is no longer about is forgotten.
  void refresh(Time now);

  // A sequence of the tenant has come, of a request that arrived then; it has gone.
  void enter(const Tenant& tenant, Time arrived = {});
  void leave(const Tenant& tenant);
  // It started or stopped running.
  void run(const Tenant& tenant);
  void rest(const Tenant& tenant);
  // The tenant's newest prompt has so many rows to compute.
  void asks(const Tenant& tenant, std::int32_t rows);

  void charge(const Tenant& tenant, double cost) { share_[tenant].served += cost / weight(tenant); }

  // Whether a's turn comes before b's: it is of a higher class, or had less, or as much and runs less.
  [[nodiscard]] bool before(const Tenant& a, const Tenant& b) const {
    const Share& x = share_.at(a);
    const Share& y = share_.at(b);
    return std::tuple(class_of(a), x.served, x.running / weight(a)) < std::tuple(class_of(b), y.served, y.running / weight(b));
  }
  // The lower, the sooner it is served.
  [[nodiscard]] std::int32_t class_of(const Tenant& tenant) const;
  // Others that are about, but for those of lower classes.
  [[nodiscard]] std::int32_t rivals(const Tenant& tenant) const;
  // Whether it runs more than its share of `places`, or less. Lower classes have no share beside a higher one.
  [[nodiscard]] bool above(const Tenant& tenant, std::int32_t places) const { return running(tenant) > entitled(tenant, places); }
  [[nodiscard]] bool below(const Tenant& tenant, std::int32_t places) const { return running(tenant) < entitled(tenant, places); }
  // How much of its share it runs: the larger, the sooner it gives way.
  [[nodiscard]] double load(const Tenant& tenant) const { return running(tenant) / weight(tenant); }

  [[nodiscard]] double served(const Tenant& tenant) const { return share_.at(tenant).served; }
  [[nodiscard]] std::int32_t running(const Tenant& tenant) const { return share_.at(tenant).running; }
  // Tenants that are about.
  [[nodiscard]] std::int32_t tenants() const { return static_cast<std::int32_t>(share_.size()); }
  // How long a step may take, so that nobody waits long for its end: for each tenant about of whom nothing waits, `patience`
  // times what its newest prompt takes alone, or until its next request is to be expected, which is not before the shortest
  // time that lay between its latest ones; that does not count where one is `here`. The least of all; infinite when there is
  // no such tenant. Who waits for its own requests is not served sooner by shorter steps. `seconds_alone` is
  // asked once for each length of a prompt.
  [[nodiscard]] double step_limit(double patience, bool here, const std::function<double(std::int32_t rows)>& seconds_alone) const;

 private:
  struct Share {
    double served = 0;
    std::int32_t sequences = 0;
    std::int32_t running = 0;
    std::int32_t asked_rows = 0;
    Time arrived{};               // its newest request
    double gap = 0;               // seconds between requests, the shortest lately; 0 = it had one
    Time left{};                  // when the last sequence had gone; while there are none

    [[nodiscard]] bool waits() const { return sequences > running; }
    [[nodiscard]] double not_before() const;  // seconds of the clock until which no request is expected
  };

  static void note_arrival(Share& share, Time arrived);
  // A share is changed between the two: what expected_ has of it follows from what it holds.
  void take_out(const Share& share);
  void put_back(const Share& share);
  [[nodiscard]] double weight(const Tenant& tenant) const;
  [[nodiscard]] std::int32_t entitled(const Tenant& tenant, std::int32_t places) const;

  const TenantTerms terms_;
  const double about_seconds_;
  Time now_{};
  std::map<Tenant, Share> share_;  // of tenants that are about
  // Of those of whom nothing waits, by the rows of the newest prompt: until when their next requests are not expected, in seconds
  // of the clock. So no step is preceded by asking all tenants, of whom thousands may wait, what they take.
  std::map<std::int32_t, std::multiset<double>> expected_;
};

}  // namespace inferno
