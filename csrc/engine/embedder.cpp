#include "engine/embedder.h"

#include <limits>
#include <string>
#include <utility>

#include "base/log.h"
#include "engine/unit_vector.h"

namespace inferno {
namespace {

Status check_text(const std::vector<TokenId>& text, std::size_t number, const Model& model) {
  const std::string where = "input[" + std::to_string(number) + "]";
  if (text.empty()) return invalid_argument("input", where + " has no tokens; it must have at least one");
  const auto longest = static_cast<std::size_t>(model.capabilities().context_tokens);
  if (text.size() > longest) {
    return Status(StatusCode::kContextLengthExceeded,
                  where + " has " + std::to_string(text.size()) + " tokens; this model's context has room for " + std::to_string(longest),
                  "input");
  }
  for (const TokenId id : text) {
    if (id >= 0 && id < model.info().vocab_size) continue;
    return invalid_argument("input", where + " holds token id " + std::to_string(id) + "; ids are 0 to " +
                                         std::to_string(model.info().vocab_size - 1));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Embedder>> Embedder::create(std::shared_ptr<Model> model, const EngineConfig& config, EmbedSink& sink,
                                                   const Clock& clock) {
  if (model->capabilities().embedding_size <= 0) {
    return Status(StatusCode::kUnsupported, "this model generates text; it does not embed");
  }
  if (Status status = config.validate(model->capabilities()); !status.ok()) return status;
  return std::unique_ptr<Embedder>(new Embedder(std::move(model), config, sink, clock));
}

Embedder::Embedder(std::shared_ptr<Model> model, const EngineConfig& config, EmbedSink& sink, const Clock& clock)
    : model_(std::move(model)),
      clock_(clock),
      sink_(sink),
      admission_(config.max_waiting, config.max_waiting_tokens),
      queue_(admission_, {config.tenant_weights, config.tenant_classes}),
      // The door (Admission) bounds what waits, and clients' cancels are bounded by what they submitted.
      inbox_(std::numeric_limits<std::size_t>::max()),
      thread_([this] { run(); }) {}

Embedder::~Embedder() { stop(); }

Status Embedder::validate(const EmbedRequest& request) const {
  if (request.texts.empty() || request.texts.size() > kMaxEmbedTexts) {
    return invalid_argument("input", "input has " + std::to_string(request.texts.size()) + " texts; it must have 1 to " +
                                         std::to_string(kMaxEmbedTexts));
  }
  if (!request.seconds.empty() && request.seconds.size() != request.texts.size()) {
    return invalid_argument("input", "there are " + std::to_string(request.seconds.size()) + " second texts for " +
                                         std::to_string(request.texts.size()) + " texts");
  }
  const std::int32_t size = model_->capabilities().embedding_size;
  if (request.dimensions < 0 || request.dimensions > size) {
    return invalid_argument("dimensions", "dimensions is " + std::to_string(request.dimensions) + "; this model's vectors have " +
                                              std::to_string(size) + ", and fewer can be asked for");
  }
  for (std::size_t i = 0; i < request.texts.size(); ++i) {
    if (Status status = check_text(request.texts[i], i, *model_); !status.ok()) return status;
  }
  return {};
}

Result<RequestId> Embedder::submit(EmbedRequest request) {
  if (!healthy()) return Status(StatusCode::kUnavailable, "the engine has failed; restart the server");
  if (Status status = validate(request); !status.ok()) return status;
  std::int64_t tokens = 0;
  for (const auto& text : request.texts) tokens += static_cast<std::int64_t>(text.size());
  if (Status status = admission_.enter(1, tokens, request.tenant); !status.ok()) return status;
  request.id = RequestId{requests_.fetch_add(1) + 1};
  request.arrived = clock_.now();
  const RequestId id = request.id;
  const Tenant tenant = request.tenant;
  if (inbox_.put_urgent(std::make_shared<const EmbedRequest>(std::move(request)))) return id;
  admission_.withdraw(1, tokens, tenant);
  return Status(StatusCode::kUnavailable, "the engine was stopped");
}

std::optional<double> Embedder::seconds_until_room(std::int64_t tokens) const {
  return admission_.seconds_until_room(1, tokens, clock_.now());
}

void Embedder::cancel(RequestId request) { (void)inbox_.put_urgent(CancelCommand{request}); }

void Embedder::stop() {
  std::lock_guard lock(stop_mutex_);
  if (!thread_.joinable()) return;
  stopping_.store(true);
  inbox_.close();
  thread_.join();
}

void Embedder::run() {
  while (!stopping_.load()) {
    const auto commands = queue_.empty() ? inbox_.wait_all() : inbox_.take_all();
    for (const Command& command : commands) apply(command);
    if (!stopping_.load() && !queue_.empty()) step();
    admission_.observe(clock_.now());
    publish(0);
  }
  for (const Command& command : inbox_.take_all()) apply(command);  // so that what was accepted gets its outputs
  fail(queue_.remove_all(), Status(StatusCode::kUnavailable, "the engine was stopped"));
  publish(0);
}

void Embedder::apply(const Command& command) {
  if (const auto* ask = std::get_if<EmbedRequestPtr>(&command)) queue_.add(*ask);
  if (const auto* gone = std::get_if<CancelCommand>(&command)) {
    fail(queue_.remove(gone->request), Status(StatusCode::kCancelled, "the request was cancelled"));
  }
}

void Embedder::step() {
  const Time began = clock_.now();
  const Capabilities& can = model_->capabilities();
  const Texts batch = queue_.take(can.batch_rows, can.slots);
  publish(static_cast<std::int64_t>(batch.size()));
  const Result<Embeddings> vectors = compute(batch);
  counting_.forward_seconds += seconds(clock_.now() - began);
  ++counting_.steps;
  counting_.step_rows += static_cast<std::uint64_t>(batch_.rows());
  if (vectors.ok()) {
    health_.step_done();
    deliver(batch, vectors.value(), began);
  } else {
    log(LogLevel::kError, "embedder", std::string(status_code_name(vectors.status().code())) + ": " + vectors.status().message());
    fail(batch, vectors.status());
    health_.step_failed();
    if (!healthy()) fail(queue_.remove_all(), vectors.status());
  }
  counting_.step_seconds += seconds(clock_.now() - began);
}

Result<Embeddings> Embedder::compute(const Texts& batch) {
  batch_.clear();
  for (std::size_t text = 0; text < batch.size(); ++text) {
    std::int32_t position = 0;
    const std::int32_t second = batch[text].second();
    for (const TokenId token : batch[text].tokens()) {
      const std::uint8_t part = position < second ? 0 : 1;
      batch_.add(token, position++, SlotId{static_cast<std::int32_t>(text)}, false, kNoAdapter, part);
    }
  }
  try {
    Result<Embeddings> vectors = model_->embed(batch_);
    if (vectors.ok() && vectors.value().rows.size() != batch.size()) {
      return Status(StatusCode::kInternal, "the model gave another number of vectors than it got texts");
    }
    return vectors;
  } catch (const std::exception& error) {
    return Status(StatusCode::kInternal, error.what());
  }
}

void Embedder::deliver(const Texts& batch, const Embeddings& vectors, Time began) {
  std::vector<EmbedOutput> outputs(batch.size());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const EmbedRequest& request = *batch[i].request;
    EmbedOutput& output = outputs[i];
    output.request = request.id;
    output.index = batch[i].index;
    output.timings.scheduled = seconds(began - request.arrived);
    output.timings.finished = seconds(clock_.now() - request.arrived);
    std::span<const float> vector = vectors.rows[i];
    if (request.dimensions > 0) vector = vector.first(static_cast<std::size_t>(request.dimensions));
    output.vector.assign(vector.begin(), vector.end());
    if (!is_finite(output.vector)) {
      output.error = Status(StatusCode::kInternal, "the model gave a vector that is not finite");
      output.vector.clear();
    } else if (request.normalize) {
      scale_to_one(output.vector);
    }
    ++(output.error.ok() ? counting_.scheduler.finished : counting_.scheduler.failed);
    counting_.scheduler.prompt_tokens += batch[i].tokens().size();
    counting_.embedded_tokens += batch[i].tokens().size();
  }
  counting_.embedded_texts += batch.size();
  publish(0);  // first: who has its vector finds it counted
  sink_.on_embeddings(outputs);
}

void Embedder::fail(const Texts& texts, const Status& why) {
  if (texts.empty()) return;
  std::vector<EmbedOutput> outputs(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    outputs[i].request = texts[i].request->id;
    outputs[i].index = texts[i].index;
    outputs[i].timings.finished = seconds(clock_.now() - texts[i].request->arrived);
    outputs[i].error = why;
  }
  (why.code() == StatusCode::kCancelled ? counting_.scheduler.cancelled_waiting : counting_.scheduler.failed) += texts.size();
  publish(0);
  sink_.on_embeddings(outputs);
}

void Embedder::publish(std::int64_t running) {
  counting_.requests_running = running;
  published_.publish(counting_);
}

}  // namespace inferno
