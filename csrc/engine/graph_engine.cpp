#include "engine/graph_engine.h"

#include <exception>
#include <iterator>
#include <limits>
#include <utility>

#include "backends/graph_check.h"
#include "base/log.h"

namespace inferno {

GraphEngine::GraphEngine(std::shared_ptr<const GraphModel> model, const EngineConfig& config, std::int64_t rows,
                         GraphSink& sink, const Clock& clock)
    : model_(std::move(model)),
      rows_(rows),
      clock_(clock),
      sink_(sink),
      admission_(config.max_waiting, std::numeric_limits<std::int64_t>::max()),
      // The door (Admission) bounds what waits, and clients' cancels are bounded by what they submitted.
      inbox_(std::numeric_limits<std::size_t>::max()),
      thread_([this] { work(); }) {}

GraphEngine::~GraphEngine() { stop(); }

Result<RequestId> GraphEngine::submit(GraphRequest request) {
  if (Status status = check_graph_inputs(model_->info(), request.inputs, request.outputs); !status.ok()) return status;
  if (request.outputs.empty()) {
    for (const GraphValue& output : model_->info().outputs) request.outputs.push_back(output.name);
  }
  if (Status status = admission_.enter(1, 0); !status.ok()) return status;
  request.id = RequestId{requests_.fetch_add(1) + 1};
  request.arrived = clock_.now();
  const RequestId id = request.id;
  if (inbox_.put_urgent(std::move(request))) return id;
  admission_.withdraw(1, 0);
  return Status(StatusCode::kUnavailable, "the engine was stopped");
}

std::optional<double> GraphEngine::seconds_until_room() const { return admission_.seconds_until_room(1, 0, clock_.now()); }

void GraphEngine::cancel(RequestId request) {
  (void)inbox_.put_urgent(CancelCommand{request});
  leave_running(request);  // now, since the engine's thread may be in its run
}

void GraphEngine::leave_running(RequestId request) {
  std::lock_guard lock(running_mutex_);
  if (wanted_.erase(request) > 0 && wanted_.empty()) running_.request_stop();
}

void GraphEngine::stop() {
  std::lock_guard lock(stop_mutex_);
  if (!thread_.joinable()) return;
  stopping_.store(true);
  inbox_.close();
  {
    std::lock_guard running(running_mutex_);
    running_.request_stop();
  }
  thread_.join();
}

void GraphEngine::work() {
  while (!stopping_.load()) {
    for (Command& command : waiting_.empty() ? inbox_.wait_all() : inbox_.take_all()) apply(std::move(command));
    if (!stopping_.load() && !waiting_.empty()) compute(next());
    admission_.observe(clock_.now());
    publish(0);
  }
  for (Command& command : inbox_.take_all()) apply(std::move(command));  // so that what was accepted gets its outputs
  Requests left(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(waiting_.end()));
  admission_.leave(static_cast<std::int64_t>(left.size()), 0);
  waiting_.clear();
  fail(left, Status(StatusCode::kUnavailable, "the engine was stopped"));
}

void GraphEngine::apply(Command command) {
  if (auto* asked = std::get_if<GraphRequest>(&command)) {
    waiting_.push_back(std::move(*asked));
    return;
  }
  const RequestId gone = std::get<CancelCommand>(command).request;
  for (auto request = waiting_.begin(); request != waiting_.end(); ++request) {
    if (request->id != gone) continue;
    Requests cancelled;
    cancelled.push_back(std::move(*request));
    waiting_.erase(request);
    admission_.leave(1, 0);
    return fail(cancelled, Status(StatusCode::kCancelled, "the request was cancelled"));
  }
  leave_running(gone);
}

// The request that came first, and those behind it that run with it.
GraphEngine::Requests GraphEngine::next() {
  Requests taken;
  taken.push_back(std::move(waiting_.front()));
  waiting_.pop_front();
  std::int64_t rows = model_->info().batches ? graph_rows(taken.front().inputs) : rows_;
  for (auto other = waiting_.begin(); other != waiting_.end() && rows < rows_;) {
    const bool joins = other->outputs == taken.front().outputs && can_join(taken.front().inputs, other->inputs) &&
                       rows + graph_rows(other->inputs) <= rows_;
    if (!joins) {
      ++other;
      continue;
    }
    rows += graph_rows(other->inputs);
    taken.push_back(std::move(*other));
    other = waiting_.erase(other);
  }
  admission_.leave(static_cast<std::int64_t>(taken.size()), 0);
  return taken;
}

void GraphEngine::watch(const Requests& requests) {
  {
    std::lock_guard lock(running_mutex_);
    wanted_.clear();
    for (const GraphRequest& request : requests) wanted_.insert(request.id);
    running_ = std::stop_source();
    if (stopping_.load()) running_.request_stop();
  }
  for (Command& command : inbox_.take_all()) apply(std::move(command));
}

void GraphEngine::compute(Requests requests) {
  publish(static_cast<std::int64_t>(requests.size()));
  const Time began = clock_.now();
  Result<std::vector<GraphTensors>> made = run(requests);
  const bool nobody = !made.ok() && made.status().code() == StatusCode::kCancelled;
  if (made.ok() || nobody || requests.size() == 1) return deliver(requests, std::move(made), began);
  // Whose numbers made it fail is not known: each by itself, so that it fails alone.
  for (GraphRequest& request : requests) {
    Requests alone;
    alone.push_back(std::move(request));
    Result<std::vector<GraphTensors>> own = run(alone);
    deliver(alone, std::move(own), began);
  }
}

Result<std::vector<GraphTensors>> GraphEngine::run(const Requests& requests) {
  const Time began = clock_.now();
  std::vector<const GraphTensors*> asks;
  std::vector<std::int64_t> rows;
  for (const GraphRequest& request : requests) {
    asks.push_back(&request.inputs);
    if (requests.size() > 1) rows.push_back(graph_rows(request.inputs));
  }
  ++counting_.steps;
  watch(requests);
  try {
    Result<GraphTensors> made =
        model_->run(asks.size() == 1 ? *asks.front() : joined(asks), requests.front().outputs, running_.get_token());
    counting_.forward_seconds += seconds(clock_.now() - began);
    counting_.step_seconds += seconds(clock_.now() - began);
    if (!made.ok() && stopping_.load()) return Status(StatusCode::kUnavailable, "the engine was stopped");
    if (!made.ok()) return made.status();
    if (asks.size() > 1) return parted(made.value(), rows);
    std::vector<GraphTensors> one;
    one.push_back(std::move(made).value());
    return one;
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal, error.what());
  }
}

void GraphEngine::deliver(const Requests& requests, Result<std::vector<GraphTensors>> made, Time began) {
  if (!made.ok()) {
    const StatusCode code = made.status().code();
    if (code == StatusCode::kInvalidArgument || code == StatusCode::kCancelled) return fail(requests, made.status());
    log(LogLevel::kError, "graph", std::string(status_code_name(code)) + ": " + made.status().message());
    return fail(requests, made.status());
  }
  std::vector<GraphOutput> outputs(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    outputs[i].request = requests[i].id;
    outputs[i].tensors = std::move(made.value()[i]);
    outputs[i].timings.scheduled = seconds(began - requests[i].arrived);
    outputs[i].timings.finished = seconds(clock_.now() - requests[i].arrived);
  }
  counting_.scheduler.finished += requests.size();
  publish(0);  // first: who has its output finds it counted
  sink_.on_outputs(std::move(outputs));
}

void GraphEngine::fail(const Requests& requests, const Status& why) {
  if (requests.empty()) return;
  std::vector<GraphOutput> outputs(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    outputs[i].request = requests[i].id;
    outputs[i].timings.finished = seconds(clock_.now() - requests[i].arrived);
    outputs[i].error = why;
  }
  (why.code() == StatusCode::kCancelled ? counting_.scheduler.cancelled_waiting : counting_.scheduler.failed) += requests.size();
  publish(0);
  sink_.on_outputs(std::move(outputs));
}

void GraphEngine::publish(std::int64_t running) {
  counting_.requests_running = running;
  published_.publish(counting_);
}

}  // namespace inferno
