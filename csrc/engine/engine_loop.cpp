#include "engine/engine_loop.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <new>
#include <string>
#include <utility>

#include "base/host_limits.h"
#include "base/log.h"
#include "base/media_rows.h"
#include "engine/grammatical_drafter.h"
#include "speculation/model_drafter.h"
#include "speculation/ngram_drafter.h"

namespace inferno {
namespace {

// At stop(), how long to wait for the reader of exported prefixes to give memory back, in all.
constexpr auto kExportPatience = std::chrono::seconds(5);
constexpr auto kExportPoll = std::chrono::milliseconds(2);

std::unique_ptr<HostPrefixes> host_prefixes(const Model& model, const EngineConfig& config) {
  const std::uint64_t limit = config.host_cache_limit(model);
  return limit > 0 ? std::make_unique<HostPrefixes>(limit, kBlockTokens) : nullptr;
}

KvCacheOptions cache_options(const Model& model, const EngineConfig& config) {
  const Capabilities& can = model.capabilities();
  KvCacheOptions options;
  options.capacity_tokens = can.capacity_tokens;
  options.slots = can.slots;
  options.block_tokens = kBlockTokens;
  options.reuse = config.prefix_cache;
  if (can.sharing == PrefixSharing::kAlias) options.kept_tokens = config.kept_tokens;
  switch (can.sharing) {
    case PrefixSharing::kNone: options.sharing = KvCacheOptions::Sharing::kNone; break;
    case PrefixSharing::kAlias: options.sharing = KvCacheOptions::Sharing::kAlias; break;
    case PrefixSharing::kCopy: options.sharing = KvCacheOptions::Sharing::kCopy; break;
  }
  return options;
}

SchedulerOptions scheduler_options(const Model& model, const EngineConfig& config) {
  const Capabilities& can = model.capabilities();
  return {.max_running = config.running_limit(can), .batch_rows = can.batch_rows, .logits_rows = can.logits_rows,
          .prefill_chunk = config.prefill_chunk, .step_target = config.step_target_ms / 1000,
          .common_start = config.common_start_ms / 1000, .context_tokens = can.context_tokens,
          .shape = {.tile = can.row_tile, .slots_apart = can.slots_apart}, .block_tokens = kBlockTokens,
          .tenants = {config.tenant_weights, config.tenant_classes}};
}

SpeculationLimits speculation_limits(const Model& model, const EngineConfig& config) {
  const Capabilities& can = model.capabilities();
  return {.always = config.speculate != "auto", .slots_apart = can.slots_apart, .batch_rows = can.batch_rows, .logits_rows = can.logits_rows,
          .context_tokens = can.context_tokens};
}

std::unique_ptr<Drafter> make_drafter(Model* draft, Constrainer& constrainer, const Tokenizer& tokenizer) {
  std::unique_ptr<Drafter> inner;
  if (draft != nullptr) inner = std::make_unique<ModelDrafter>(*draft);
  else inner = std::make_unique<NgramDrafter>();
  return std::make_unique<GrammaticalDrafter>(std::move(inner), constrainer, tokenizer);
}

// A mask takes tens of microseconds where a step takes milliseconds, and the model wants the cores: few threads do.
std::int32_t mask_threads() { return std::clamp(usable_cores() / 4, 1, 4); }

}  // namespace

EngineLoop::EngineLoop(Model& model, const EngineConfig& config, Admission& admission, const Clock& clock, OutputSink& sink,
                       Model* draft)
    : model_(model),
      clock_(clock),
      exports_(config.export_prefixes),
      exported_(std::numeric_limits<std::size_t>::max()),  // what waits there still counts in the host cache's budget
      host_(host_prefixes(model, config)),
      cache_(cache_options(model, config), host_.get()),
      constrainer_(mask_threads()),
      drafter_(make_drafter(draft, constrainer_, model.tokenizer())),
      speculator_(speculation_limits(model, config), *drafter_),
      scheduler_(scheduler_options(model, config), cache_, admission, clock),
      runner_(model, host_.get()),
      chooser_(model.tokenizer(), constrainer_),
      // The door (Admission) bounds what waits, and clients' cancels are bounded by what they submitted.
      inbox_(std::numeric_limits<std::size_t>::max()),
      admission_(admission),
      dispatcher_(model.tokenizer(), sink, [this](SequenceId id) { (void)send(FinishCommand{id}); }) {
  if (host_ && exports_) {
    host_->on_evict = [this](SavedPrefixPtr prefix) {
      // A picture's id means nothing outside of this process, where another picture may have it.
      if (std::any_of(prefix->tokens.begin(), prefix->tokens.end(), is_media)) return;
      (void)exported_.put_urgent(std::move(prefix));
    };
  }
  scheduler_.on_end = [this](SequenceId id) {
    chooser_.forget(id);
    constrainer_.forget(id);
    speculator_.forget(id);
  };
  const bool can_cut = model.capabilities().sharing != PrefixSharing::kNone;
  if (can_cut && config.speculate != "off") scheduler_.speculate_with(speculator_);
  counting_.max_running = config.running_limit(model.capabilities());
  publish_stats();
  thread_ = std::thread([this] { run(); });
}

EngineLoop::~EngineLoop() { stop(); }

void EngineLoop::stop() {
  std::lock_guard lock(stop_mutex_);
  if (!thread_.joinable()) return;
  inbox_.close();  // first: what was accepted is in it before the loop empties it for the last time
  stopping_.store(true);
  thread_.join();
  dispatcher_.stop();
}

void EngineLoop::run() {
  while (!stopping_.load()) {
    const auto commands = scheduler_.idle() ? inbox_.wait_all() : inbox_.take_all();
    for (const Command& command : commands) apply(command);
    scheduler_.expire(updates_);
    if (!stopping_.load() && !scheduler_.idle()) step();
    admission_.observe(clock_.now());
    retire_adapters();
    publish_stats();
    emit();
  }
  for (const Command& command : inbox_.take_all()) apply(command);  // so that what was accepted gets its final output
  scheduler_.fail_all(Status(StatusCode::kUnavailable, "the engine was stopped"), updates_);
  publish_stats();
  emit();
  if (host_ && exports_) export_all();
  exported_.close();
}

// The budget of host memory may be smaller than what the KV cache keeps, so each prefix waits until others are taken.
void EngineLoop::export_all() try {
  host_->clear();
  cache_.save_kept();
  const Time give_up = std::chrono::steady_clock::now() + kExportPatience;
  std::vector<KvOp> ops = cache_.take_ops();
  for (KvOp& op : ops) {
    const HostPrefixStats before = host_->stats();
    if (op.kind == KvOp::Kind::kSave && before.used_bytes > before.limit_bytes / 2) wait_until_taken(give_up);
    const std::vector<KvOp> one{std::move(op)};  // nobody else then holds the bytes that were taken
    if (const auto done = runner_.prepare(one); !done.ok()) return log(LogLevel::kError, "engine", done.status().message());
    host_->clear();
  }
} catch (const std::exception& error) {
  log(LogLevel::kError, "engine", std::string("prefixes could not be kept: ") + error.what());
}

void EngineLoop::wait_until_taken(Time give_up) const {
  while (host_->stats().used_bytes > 0 && std::chrono::steady_clock::now() < give_up) {
    std::this_thread::sleep_for(kExportPoll);
  }
}

void EngineLoop::apply(const Command& command) {
  if (const auto* ask = std::get_if<SubmitCommand>(&command)) submit(ask->request);
  if (const auto* gone = std::get_if<CancelCommand>(&command)) scheduler_.cancel(gone->request, updates_);
  if (const auto* enough = std::get_if<EndThoughtCommand>(&command)) scheduler_.end_thought(enough->request);
  if (const auto* done = std::get_if<FinishCommand>(&command)) scheduler_.finish(done->sequence, updates_);
  if (const auto* adapter = std::get_if<LoadAdapterCommand>(&command)) load_adapter(*adapter);
  if (const auto* old = std::get_if<UnloadAdapterCommand>(&command)) retiring_.push_back(old->adapter);
}

void EngineLoop::load_adapter(const LoadAdapterCommand& ask) {
  try {
    ask.answer->set_value(model_.load_adapter(ask.path));
  } catch (const std::bad_alloc&) {
    ask.answer->set_value(Status(StatusCode::kOutOfMemory, "there is no memory for the adapter"));
  } catch (const std::exception& error) {
    ask.answer->set_value(Status(StatusCode::kInternal, error.what()));
  }
}

void EngineLoop::retire_adapters() {
  std::erase_if(retiring_, [this](AdapterId adapter) {
    if (scheduler_.uses(adapter)) return false;
    model_.unload_adapter(adapter);
    return true;
  });
}

void EngineLoop::submit(const RequestPtr& request) {
  for (std::int32_t index = 0; index < request->n; ++index) {
    scheduler_.add(std::make_unique<Sequence>(request, SequenceId{++sequences_}, index));
  }
}

void EngineLoop::step() {
  const Time began = clock_.now();
  StepPlan plan;
  try {
    plan = scheduler_.plan();
    if (plan.chunks.empty()) throw InternalError("the scheduler has work but planned none");
    const Result<std::set<SlotId>> lost = runner_.prepare(plan.ops);
    if (!lost.ok()) return step_failed(plan, lost.status());
    if (!lost.value().empty()) return scheduler_.lose(lost.value());  // and plan anew
    constrainer_.begin(plan);
    const Time forward_began = clock_.now();
    Result<Logits> logits = runner_.run(plan);
    counting_.forward_seconds += seconds(clock_.now() - forward_began);
    if (!logits.ok()) return step_failed(plan, logits.status());
    const auto chosen = chooser_.choose(plan, logits.value());
    scheduler_.commit(plan, chosen, updates_, chooser_.scored());
    health_.step_done();
  } catch (const std::exception& error) {
    return step_failed(plan, Status(StatusCode::kInternal, error.what()));
  }
  const double took = seconds(clock_.now() - began);
  scheduler_.observe(plan, took);
  ++counting_.steps;
  counting_.step_rows += static_cast<std::uint64_t>(plan.rows);
  counting_.step_seconds += took;
}

// A failing step ends the requests that were in it, and the engine goes on. When steps keep failing, or nothing was
// planned so that nobody in particular can be blamed, everything ends.
void EngineLoop::step_failed(const StepPlan& plan, const Status& why) {
  log(LogLevel::kError, "engine", std::string(status_code_name(why.code())) + ": " + why.message());
  health_.step_failed();
  if (plan.chunks.empty() || !healthy()) {
    scheduler_.fail_all(why, updates_);
  } else {
    scheduler_.fail(plan, why, updates_);
  }
}

void EngineLoop::emit() {
  if (!updates_.empty()) dispatcher_.deliver(std::exchange(updates_, {}));
}

void EngineLoop::publish_stats() {
  counting_.requests_running = static_cast<std::int64_t>(scheduler_.running());
  counting_.requests_waiting = static_cast<std::int64_t>(scheduler_.aside());
  counting_.scheduler = scheduler_.stats();
  counting_.cache = cache_.stats();
  counting_.speculation = speculator_.stats();
  counting_.constraints = constrainer_.stats();
  published_.publish(counting_);
}

Status EngineLoop::check_invariants() const {
  if (Status bad = cache_.check_invariants(); !bad.ok()) return bad;
  return host_ ? host_->check_invariants() : Status();
}

EngineStats EngineLoop::stats() const {
  EngineStats copy = published_.read(admission_);
  copy.output = dispatcher_.stats();
  if (host_) copy.host = host_->stats();
  return copy;
}

}  // namespace inferno
