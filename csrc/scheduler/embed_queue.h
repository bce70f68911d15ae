// EmbedQueue: texts that wait to be embedded, and which of them make the next batch. The least served tenant's text comes
// first, and now and then the oldest of all; within a tenant, order is by arrival and priority, as in the scheduler of generation.
//
// Not thread-safe: the embedder's thread owns it.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "request/embed_request.h"
#include "scheduler/admission.h"
#include "scheduler/fair_share.h"

namespace inferno {

// One text of a request.
struct EmbedText {
  EmbedRequestPtr request;
  std::int32_t index = 0;
  [[nodiscard]] const std::vector<TokenId>& tokens() const { return request->texts[static_cast<std::size_t>(index)]; }
  // Where the second of two texts begins; beyond the end where there is none.
  [[nodiscard]] std::int32_t second() const {
    if (request->seconds.empty()) return std::numeric_limits<std::int32_t>::max();
    return request->seconds[static_cast<std::size_t>(index)];
  }
};

class EmbedQueue {
 public:
  // Texts that leave the queue are taken off the door's count: a request stands there as one, with all its tokens.
  explicit EmbedQueue(Admission& admission, TenantTerms terms = {}) : admission_(admission), share_(std::move(terms)) {}

  // A request that passed Admission::enter.
  void add(const EmbedRequestPtr& request);

  // The next batch, which leaves the queue: at most `texts` of together at most `rows` tokens, but one at least.
  [[nodiscard]] std::vector<EmbedText> take(std::int32_t rows, std::int32_t texts);
  // What still waits of the request leaves the queue.
  [[nodiscard]] std::vector<EmbedText> remove(RequestId request);
  [[nodiscard]] std::vector<EmbedText> remove_all();

  [[nodiscard]] bool empty() const { return waiting_.empty(); }

 private:
  using Order = std::tuple<double, RequestId, std::int32_t>;  // when it is due, in seconds; then arrival; then its place
  using Texts = std::map<Order, EmbedText>;
  struct Left {
    EmbedRequestPtr request;
    std::int32_t texts = 0;
  };

  [[nodiscard]] std::map<Tenant, Texts>::iterator next_tenant();
  EmbedText take_one(std::map<Tenant, Texts>::iterator tenant, Texts::iterator text);

  Admission& admission_;
  FairShare share_;
  std::map<Tenant, Texts> waiting_;  // no entry is empty
  std::map<RequestId, Left> left_;   // of requests that have texts here
  std::uint64_t taken_ = 0;
};

}  // namespace inferno
