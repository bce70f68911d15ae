#include "scheduler/embed_queue.h"

#include <gtest/gtest.h>

namespace inferno {
namespace {

struct Queue {
  RequestId add(std::vector<std::size_t> lengths, Tenant tenant = "a", std::int32_t priority = 0, Time arrived = {}) {
    auto request = std::make_shared<EmbedRequest>();
    request->id = RequestId{++numbers};
    request->tenant = std::move(tenant);
    request->priority = priority;
    request->arrived = arrived;
    std::int64_t tokens = 0;
    for (const std::size_t length : lengths) {
      request->texts.emplace_back(length, 7);
      tokens += static_cast<std::int64_t>(length);
    }
    EXPECT_TRUE(door.enter(1, tokens, request->tenant).ok());
    queue.add(request);
    return request->id;
  }
  // "request.index" of each text of a batch.
  std::vector<std::string> take(std::int32_t rows, std::int32_t texts) {
    std::vector<std::string> named;
    for (const EmbedText& text : queue.take(rows, texts)) {
      named.push_back(std::to_string(static_cast<std::uint64_t>(text.request->id)) + "." + std::to_string(text.index));
    }
    return named;
  }

  explicit Queue(TenantTerms terms = {}) : queue(door, std::move(terms)) {}

  Admission door{512, 1 << 20};
  EmbedQueue queue;
  std::uint64_t numbers = 0;
};

using Names = std::vector<std::string>;

TEST(EmbedQueue, ABatchIsBoundByTokensAndByTexts) {
  Queue q;
  q.add({10, 10, 10, 5, 5, 5, 5});
  EXPECT_EQ(q.take(30, 8), (Names{"1.0", "1.1", "1.2"}));
  EXPECT_EQ(q.take(30, 2), (Names{"1.3", "1.4"}));
  EXPECT_EQ(q.take(9, 8), (Names{"1.5"}));
  EXPECT_EQ(q.take(9, 8), (Names{"1.6"}));
  EXPECT_TRUE(q.queue.empty());
  EXPECT_TRUE(q.take(9, 8).empty());
}

TEST(EmbedQueue, ATextLongerThanABatchGoesAlone) {
  Queue q;
  q.add({3, 100, 3});
  EXPECT_EQ(q.take(10, 8), (Names{"1.0"}));
  EXPECT_EQ(q.take(10, 8), (Names{"1.1"}));
  EXPECT_EQ(q.take(10, 8), (Names{"1.2"}));
}

TEST(EmbedQueue, ALargeRequestDoesNotStandInTheWayOfAnotherTenants) {
  Queue q;
  q.add(std::vector<std::size_t>(100, 10), "large");
  EXPECT_EQ(q.take(20, 8), (Names{"1.0", "1.1"}));
  q.add({10, 10}, "small");
  EXPECT_EQ(q.take(40, 8).size(), 4U);
  const Names next = q.take(40, 8);
  EXPECT_EQ(std::count_if(next.begin(), next.end(), [](const std::string& name) { return name.starts_with("2."); }), 0)
      << "the small request was in the batch before";
}

TEST(EmbedQueue, PriorityGoesFirstWithinATenant) {
  Queue q;
  q.add({5, 5}, "a", 1);
  q.add({5}, "a", 0);
  EXPECT_EQ(q.take(100, 8), (Names{"2.0", "1.0", "1.1"}));
}

TEST(EmbedQueue, WaitingCountsForWhatIsOfLowPriority) {
  Queue q;
  q.add({5}, "a", 3);
  q.add({5}, "a", 0, Time{} + std::chrono::seconds(29));
  q.add({5}, "a", 0, Time{} + std::chrono::seconds(31));
  EXPECT_EQ(q.take(100, 8), (Names{"2.0", "1.0", "3.0"}));
}

TEST(EmbedQueue, ATenantOfWeightThreeGetsThreeTimesAsMuch) {
  Queue q({.weights = {{"heavy", 3.0}}});
  q.add(std::vector<std::size_t>(100, 10), "heavy");
  q.add(std::vector<std::size_t>(100, 10), "other");
  const Names taken = q.take(400, 40);
  const auto heavy = std::count_if(taken.begin(), taken.end(), [](const std::string& name) { return name.starts_with("1."); });
  EXPECT_NEAR(static_cast<double>(heavy), 30, 3);
}

TEST(EmbedQueue, NewTenantsWithoutEndDoNotHoldUpAnOldText) {
  Queue q;
  q.add({10}, "z");
  bool served = false;
  for (int i = 0; i < 100 && !served; ++i) {
    q.add({10}, "a" + std::to_string(i));
    served = q.take(10, 1) == Names{"1.0"};
  }
  EXPECT_TRUE(served) << "each is level with it, and its name comes first";
}

TEST(EmbedQueue, TheDoorCountsRequestsAndTheTokensThatWait) {
  Queue q;
  const RequestId first = q.add({10, 20});
  q.add({5});
  EXPECT_EQ(q.door.waiting(), 2);
  EXPECT_EQ(q.door.waiting_tokens(), 35);
  EXPECT_EQ(q.take(10, 1), (Names{"1.0"}));
  EXPECT_EQ(q.door.waiting(), 2) << "a text of it still waits";
  EXPECT_EQ(q.door.waiting_tokens(), 25);
  EXPECT_EQ(q.queue.remove(first).size(), 1U);
  EXPECT_TRUE(q.queue.remove(first).empty());
  EXPECT_EQ(q.door.waiting(), 1);
  EXPECT_EQ(q.door.waiting_tokens(), 5);
  EXPECT_EQ(q.queue.remove_all().size(), 1U);
  EXPECT_EQ(q.door.waiting(), 0);
  EXPECT_EQ(q.door.waiting_tokens(), 0);
}

}  // namespace
}  // namespace inferno
