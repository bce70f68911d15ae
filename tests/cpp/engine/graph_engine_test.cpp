// The engine of graphs on one that adds up its rows' numbers: what runs together, and what becomes of whom.
#include "engine/graph_engine.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <cstring>
#include <map>
#include <semaphore>

namespace inferno {
namespace {

// x [n, 2] -> y [n, 1]; a negative number makes a run fail. Runs wait for a sign where they are held.
class SumGraph final : public GraphModel {
 public:
  explicit SumGraph(bool batches) {
    info_.inputs = {{"x", "FP32", {-1, 2}, {"n", ""}}};
    info_.outputs = {{"y", "FP32", {-1, 1}, {"n", ""}}};
    info_.batches = batches;
  }
  const GraphInfo& info() const override { return info_; }
  Result<std::vector<GraphTensor>> run(const std::vector<GraphTensor>& inputs, const std::vector<std::string>&,
                                       const std::stop_token& stop) const override {
    const std::stop_callback go_on(stop, [this] { gate.release(); });
    gate.acquire();
    if (stop.stop_requested()) return Status(StatusCode::kCancelled, "stopped");
    const std::int64_t rows = inputs.front().shape.front();
    runs.push_back(rows);
    auto sums = std::make_shared<std::vector<float>>();
    for (std::size_t row = 0; row < static_cast<std::size_t>(rows); ++row) {
      float numbers[2];
      std::memcpy(numbers, inputs.front().bytes.data() + row * sizeof(numbers), sizeof(numbers));
      if (numbers[0] < 0) return Status(StatusCode::kInternal, "a negative number");
      sums->push_back(numbers[0] + numbers[1]);
    }
    GraphTensor out{"y", "FP32", {rows, 1}, std::as_bytes(std::span(*sums)), {}, sums};
    return std::vector<GraphTensor>{std::move(out)};
  }

  mutable std::counting_semaphore<> gate{0};
  mutable std::vector<std::int64_t> runs;  // read when nothing runs

 private:
  GraphInfo info_;
};

class OutputSink final : public GraphSink {
 public:
  void on_outputs(std::vector<GraphOutput> outputs) override {
    std::lock_guard lock(mutex_);
    for (GraphOutput& output : outputs) {
      const RequestId id = output.request;
      EXPECT_TRUE(all_.emplace(id, std::move(output)).second) << "a second output of one request";
    }
    changed_.notify_all();
  }
  void wait(std::size_t n) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_.size() >= n; });
  }
  const GraphOutput& of(RequestId id) {
    std::lock_guard lock(mutex_);
    return all_.at(id);
  }
  std::vector<float> sums(RequestId id) {
    const GraphTensor& tensor = of(id).tensors.at(0);
    std::vector<float> numbers(tensor.bytes.size() / sizeof(float));
    std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
    return numbers;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<RequestId, GraphOutput> all_;
};

struct Running {
  explicit Running(bool batches, EngineConfig config = {}) : graph(std::make_shared<SumGraph>(batches)) {
    engine = std::make_unique<GraphEngine>(graph, config, 4, sink, clock);
  }
  static GraphRequest request(std::vector<float> numbers) {
    auto held = std::make_shared<std::vector<float>>(std::move(numbers));
    GraphRequest asked;
    const auto rows = static_cast<std::int64_t>(held->size() / 2);
    asked.inputs.push_back({"x", "FP32", {rows, 2}, std::as_bytes(std::span(*held)), {}, held});
    return asked;
  }
  RequestId ask(std::vector<float> numbers) { return engine->submit(request(std::move(numbers))).value(); }
  // The engine's thread is at the first request when this returns.
  void hold() {
    ask({0, 0});
    while (engine->stats().requests_running == 0) std::this_thread::yield();
  }

  SteadyClock clock;
  OutputSink sink;
  std::shared_ptr<SumGraph> graph;
  std::unique_ptr<GraphEngine> engine;
};

TEST(GraphEngine, RequestsThatWaitRunTogetherAndGetTheirOwn) {
  Running house(true);
  house.hold();
  const RequestId one = house.ask({1, 2});
  const RequestId two = house.ask({3, 4, 5, 6});
  const RequestId three = house.ask({7, 8, 9, 10});
  house.graph->gate.release(10);
  house.sink.wait(4);
  house.engine->stop();
  EXPECT_EQ(house.sink.sums(one), std::vector<float>({3}));
  EXPECT_EQ(house.sink.sums(two), std::vector<float>({7, 11}));
  EXPECT_EQ(house.sink.sums(three), std::vector<float>({15, 19}));
  EXPECT_EQ(house.graph->runs, std::vector<std::int64_t>({1, 3, 2})) << "at most four rows in a run";
}

TEST(GraphEngine, WhoMakesARunFailFailsAlone) {
  Running house(true);
  house.hold();
  const RequestId good = house.ask({1, 2});
  const RequestId bad = house.ask({-1, 2});
  house.graph->gate.release(10);
  house.sink.wait(3);
  EXPECT_EQ(house.sink.sums(good), std::vector<float>({3}));
  EXPECT_EQ(house.sink.of(bad).error.message(), "a negative number");
  EXPECT_EQ(house.engine->stats().scheduler.failed, 1U);
}

TEST(GraphEngine, RowsThatDependOnEachOtherRunAlone) {
  Running house(false);
  house.hold();
  house.ask({1, 2});
  house.ask({3, 4});
  house.graph->gate.release(10);
  house.sink.wait(3);
  house.engine->stop();
  EXPECT_EQ(house.graph->runs, std::vector<std::int64_t>({1, 1, 1}));
}

TEST(GraphEngine, ARunEndsWhenNobodyWantsItAnyMore) {
  Running house(true);
  house.hold();
  const RequestId one = house.ask({1, 2});
  const RequestId two = house.ask({3, 4});
  house.graph->gate.release(1);
  while (house.engine->stats().requests_running != 2) std::this_thread::yield();
  house.engine->cancel(one);
  const RequestId next = house.ask({5, 6});
  EXPECT_EQ(house.engine->stats().requests_running, 2) << "one of them is still wanted";
  house.engine->cancel(two);
  house.sink.wait(3);
  EXPECT_EQ(house.sink.of(one).error.code(), StatusCode::kCancelled);
  EXPECT_EQ(house.sink.of(two).error.code(), StatusCode::kCancelled);
  house.graph->gate.release(1);
  house.sink.wait(4);
  EXPECT_EQ(house.sink.sums(next), std::vector<float>({11}));
}

TEST(GraphEngine, AStopEndsWhatRuns) {
  Running house(false);
  house.hold();
  house.engine->stop();
  house.sink.wait(1);
  EXPECT_EQ(house.sink.of(RequestId{1}).error.code(), StatusCode::kUnavailable);
}

TEST(GraphEngine, TheDoorAndTheWayOut) {
  EngineConfig config;
  config.max_waiting = 2;
  Running house(false, config);
  house.hold();
  const RequestId gone = house.ask({1, 2});
  const RequestId stays = house.ask({3, 4});
  EXPECT_EQ(house.engine->submit(Running::request({5, 6})).status().code(), StatusCode::kQueueFull);
  GraphRequest wrong = Running::request({1, 2});
  wrong.inputs.front().shape = {2, 1};
  EXPECT_EQ(house.engine->submit(std::move(wrong)).status().code(), StatusCode::kInvalidArgument);
  house.engine->cancel(gone);
  house.graph->gate.release(1);
  house.sink.wait(2);
  EXPECT_EQ(house.sink.of(gone).error.code(), StatusCode::kCancelled);
  house.graph->gate.release(9);
  house.engine->stop();
  house.sink.wait(3);
  const StatusCode code = house.sink.of(stays).error.code();
  EXPECT_TRUE(code == StatusCode::kOk || code == StatusCode::kUnavailable);
  EXPECT_EQ(house.engine->submit(Running::request({1, 2})).status().code(), StatusCode::kUnavailable);
}

}  // namespace
}  // namespace inferno
