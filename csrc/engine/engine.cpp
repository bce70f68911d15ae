#include "engine/engine.h"

#include <algorithm>
#include <future>
#include <string>

#include "engine/engine_loop.h"
#include "speculation/model_drafter.h"

namespace inferno {
namespace {

Status range_error(const std::string& field, std::int64_t value, const std::string& rule) {
  return invalid_argument(field, field + " is " + std::to_string(value) + "; it must be " + rule);
}

Status check_stops(const Request& request) {
  if (request.stop.size() > kMaxStopStrings) {
    return range_error("stop", static_cast<std::int64_t>(request.stop.size()), "at most " + std::to_string(kMaxStopStrings) + " strings");
  }
  for (const std::string& stop : request.stop) {
    if (stop.empty()) return invalid_argument("stop", "a stop string is empty; it must have at least one character");
    if (stop.size() > kMaxStopStringBytes) {
      return range_error("stop", static_cast<std::int64_t>(stop.size()), "at most " + std::to_string(kMaxStopStringBytes) + " bytes a string");
    }
  }
  return {};
}

Status check_ids(const char* field, std::span<const TokenId> ids, std::int32_t vocab) {
  for (const TokenId id : ids) {
    if (id < 0 || id >= vocab) {
      return invalid_argument(field, std::string(field) + " holds token id " + std::to_string(id) + "; ids are 0 to " +
                                         std::to_string(vocab - 1));
    }
  }
  return {};
}

// Each picture's rows must stand whole where the request says, under the picture's id, and nothing else may have such an id.
Status check_media(const Request& request, std::int32_t vocab, const Capabilities& can) {
  const std::int32_t width = can.media_width;
  if (request.media.empty()) return check_ids("prompt", request.prompt, vocab);
  if (request.sampling.prompt_logprobs >= 0) {
    return invalid_argument("prompt_logprobs", "the tokens of a picture have no logprobs; leave prompt_logprobs out");
  }
  std::size_t next = 0;
  for (const PlacedMedia& medium : request.media) {
    if (!medium.rows || medium.rows->width != width || medium.rows->count < 1) {
      return invalid_argument("media", width == 0 ? "this model takes no pictures and no sound" : "a picture or sound was not encoded for this model");
    }
    if (medium.rows->together && medium.rows->count > can.rows_together) {
      return invalid_argument("media", "a picture has " + std::to_string(medium.rows->count) +
                                           " rows that are computed in one step; this server's steps have room for " +
                                           std::to_string(can.rows_together) + ": --batch-rows enlarges them");
    }
    const auto first = static_cast<std::size_t>(std::max(medium.first, 0));
    const std::size_t end = first + static_cast<std::size_t>(medium.rows->count);
    if (medium.first < 0 || first < next || end > request.prompt.size()) {
      return range_error("media", medium.first, "in the prompt, in order, with room for the " + std::to_string(medium.rows->count) + " rows");
    }
    const auto ids = std::span(request.prompt);
    const auto mine = ids.subspan(first, end - first);
    if (std::any_of(mine.begin(), mine.end(), [&](TokenId id) { return id != medium.rows->id; })) {
      return invalid_argument("prompt", "the prompt has other tokens where a picture or sound stands");
    }
    if (Status status = check_ids("prompt", ids.subspan(next, first - next), vocab); !status.ok()) return status;
    next = end;
  }
  return check_ids("prompt", std::span(request.prompt).subspan(next), vocab);
}

Status check_prediction(const Request& request, const Capabilities& can, std::int32_t vocab) {
  const auto most = static_cast<std::size_t>(can.context_tokens);
  if (request.prediction.size() > most) {
    return range_error("prediction", static_cast<std::int64_t>(request.prediction.size()),
                       "at most the context's " + std::to_string(most) + " tokens");
  }
  return check_ids("prediction", request.prediction, vocab);
}

Status check_thought(const ThoughtLimit& thought, std::int32_t vocab) {
  if (thought.tokens < 0) return range_error("thinking_budget", thought.tokens, "0 or more");
  for (const TokenId id : {thought.open, thought.close}) {
    if (id == kNoToken) continue;
    if (Status status = check_ids("thinking_budget", std::span(&id, 1), vocab); !status.ok()) return status;
  }
  return {};
}

Status check_grammar(const Request& request, std::int32_t vocab) {
  if (!request.grammar) return {};
  if (request.grammar->vocab_size() != vocab) {
    return range_error("grammar", request.grammar->vocab_size(), "compiled for the model's " + std::to_string(vocab) + " tokens");
  }
  if (request.ignore_eos) {
    return invalid_argument("ignore_eos", "ignore_eos is set together with a grammar, which says itself where the text ends; leave one out");
  }
  return {};
}

Status check_draft(const Model& model, const Model* draft, const std::string& speculate) {
  if (draft == nullptr) {
    if (speculate != "draft") return {};
    return invalid_argument("speculate", "speculate is 'draft', but there is no draft model; name one, or use auto, ngram or off");
  }
  if (speculate != "draft" && speculate != "auto") {
    return invalid_argument("speculate", "speculate is '" + speculate + "', but a draft model is given; use auto or draft, or leave it out");
  }
  for (const auto& [name, one] : {std::pair("model", &model), std::pair("draft model", draft)}) {
    if (one->capabilities().sharing != PrefixSharing::kNone) continue;
    return invalid_argument("draft_model", std::string("the ") + name + " cannot take back a guess that was wrong; "
                                           "use no draft model with it");
  }
  return check_same_vocabulary(model, *draft);
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::create(std::shared_ptr<Model> model, const EngineConfig& config, OutputSink& sink,
                                               const Clock& clock, std::shared_ptr<Model> draft) {
  if (model->capabilities().embedding_size > 0) {
    return Status(StatusCode::kUnsupported, "this model embeds texts; it does not generate");
  }
  if (Status status = config.validate(model->capabilities()); !status.ok()) return status;
  if (Status status = check_draft(*model, draft.get(), config.speculate); !status.ok()) return status;
  return std::unique_ptr<Engine>(new Engine(std::move(model), config, sink, clock, std::move(draft)));
}

Engine::Engine(std::shared_ptr<Model> model, const EngineConfig& config, OutputSink& sink, const Clock& clock,
               std::shared_ptr<Model> draft)
    : model_(std::move(model)),
      draft_(std::move(draft)),
      clock_(clock),
      admission_(config.max_waiting, config.max_waiting_tokens),
      loop_(std::make_unique<EngineLoop>(*model_, config, admission_, clock, sink, draft_.get())) {}

Engine::~Engine() = default;

Status Engine::validate(const Request& request) const {
  const std::int32_t vocab = model_->info().vocab_size;
  const Capabilities& can = model_->capabilities();
  if (request.prompt.empty()) return invalid_argument("prompt", "the prompt has no tokens; it must have at least one");
  // One token of the context is for the answer.
  const std::int32_t longest = std::min(can.context_tokens, can.capacity_tokens - can.capacity_tokens % kBlockTokens) - 1;
  if (request.prompt.size() > static_cast<std::size_t>(longest)) {
    return Status(StatusCode::kContextLengthExceeded,
                  "the prompt has " + std::to_string(request.prompt.size()) + " tokens; this model's context has room for " +
                      std::to_string(longest) + " and an answer",
                  "prompt");
  }
  if (request.n < 1 || request.n > kMaxChoices) return range_error("n", request.n, "1 to " + std::to_string(kMaxChoices));
  if (request.max_tokens < 0) return range_error("max_tokens", request.max_tokens, "0 (to the end of the context) or more");
  if (!(request.timeout >= 0 && request.timeout <= kMaxTimeout)) {
    return invalid_argument("timeout", "timeout is " + std::to_string(request.timeout) + " seconds; it must be 0 (none) to " +
                                           std::to_string(kMaxTimeout));
  }
  if (Status status = check_media(request, vocab, can); !status.ok()) return status;
  if (Status status = check_ids("stop_token_ids", request.stop_tokens, vocab); !status.ok()) return status;
  if (Status status = check_ids("shown_tokens", request.shown_tokens, vocab); !status.ok()) return status;
  if (Status status = check_prediction(request, can, vocab); !status.ok()) return status;
  if (Status status = check_thought(request.thought, vocab); !status.ok()) return status;
  if (Status status = check_stops(request); !status.ok()) return status;
  if (Status status = check_grammar(request, vocab); !status.ok()) return status;
  return request.sampling.validate(vocab);
}

Result<RequestId> Engine::submit(Request request) {
  if (!healthy()) return Status(StatusCode::kUnavailable, "the engine has failed; restart the server");
  if (Status status = validate(request); !status.ok()) return status;
  const auto tokens = static_cast<std::int64_t>(request.n) * static_cast<std::int64_t>(request.prompt.size());
  if (Status status = admission_.enter(request.n, tokens, request.tenant); !status.ok()) return status;
  request.id = RequestId{requests_.fetch_add(1) + 1};
  request.arrived = clock_.now();
  const RequestId id = request.id;
  const std::int32_t n = request.n;
  const Tenant tenant = request.tenant;
  // Held until the request is on its way, so that it comes before an order to unload what it names.
  std::unique_lock<std::mutex> lock(adapters_mutex_, std::defer_lock);
  if (request.adapter != kNoAdapter) {
    lock.lock();
    if (!adapters_.contains(request.adapter)) {
      admission_.withdraw(n, tokens, tenant);
      return Status(StatusCode::kNotFound, "the adapter is not loaded any more", "model");
    }
  }
  if (loop_->send(SubmitCommand{std::make_shared<const Request>(std::move(request))})) return id;
  admission_.withdraw(n, tokens, tenant);
  return Status(StatusCode::kUnavailable, "the engine was stopped");
}

std::optional<double> Engine::seconds_until_room(std::int64_t sequences, std::int64_t tokens) const {
  return admission_.seconds_until_room(sequences, tokens, clock_.now());
}

std::optional<double> Engine::seconds_until_left(std::int64_t sequences) const {
  return admission_.seconds_until_left(sequences, 0, clock_.now());
}

void Engine::cancel(RequestId request) { (void)loop_->send(CancelCommand{request}); }

void Engine::end_thought(RequestId request) { (void)loop_->send(EndThoughtCommand{request}); }

Result<AdapterId> Engine::load_adapter(const std::string& path) {
  std::promise<Result<AdapterId>> answer;
  std::future<Result<AdapterId>> loaded = answer.get_future();
  const Status stopped(StatusCode::kUnavailable, "the engine was stopped");
  if (!loop_->send(LoadAdapterCommand{path, &answer})) return stopped;
  Result<AdapterId> adapter = loaded.get();
  if (!adapter.ok()) return adapter;
  const std::lock_guard lock(adapters_mutex_);
  adapters_.insert(adapter.value());
  return adapter;
}

Status Engine::unload_adapter(AdapterId adapter) {
  const std::lock_guard lock(adapters_mutex_);
  if (adapters_.erase(adapter) == 0) return Status(StatusCode::kNotFound, "the adapter is not loaded");
  (void)loop_->send(UnloadAdapterCommand{adapter});  // a stopped engine gives everything up
  return {};
}

std::int32_t Engine::saved_tokens(const PrefixOwner& owner, std::span<const TokenId> prompt) {
  HostPrefixes* host = loop_->host();
  return host == nullptr ? 0 : host->find(owner, prompt).tokens;
}

Status Engine::restore(const PrefixOwner& owner, std::span<const TokenId> tokens, std::span<const std::byte> bytes) {
  HostPrefixes* host = loop_->host();
  if (host == nullptr) return Status(StatusCode::kUnsupported, "this engine keeps no prefixes in host memory");
  if (Status status = check_ids("tokens", tokens, model_->info().vocab_size); !status.ok()) return status;
  if (tokens.size() > static_cast<std::size_t>(model_->capabilities().context_tokens)) {
    return invalid_argument("tokens", std::to_string(tokens.size()) + " tokens are more than the context holds");
  }
  return host->add(owner, tokens, bytes);
}

std::vector<SavedPrefixPtr> Engine::take_exported() { return loop_->take_exported(); }

EngineStats Engine::stats() const { return loop_->stats(); }

bool Engine::healthy() const { return loop_->healthy(); }

void Engine::stop() { loop_->stop(); }

Status Engine::check_invariants() const { return loop_->check_invariants(); }

}  // namespace inferno
