// The engine as Python sees it. Every call that can block or wait for the engine's threads releases the GIL, the
// destructor too: a thread that has something to log takes it, and whoever joins that thread holding it waits for ever.
#include <pybind11/stl.h>

#include <memory>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "base/clock.h"
#include "bindings/py_mailbox.h"
#include "bindings/py_model.h"
#include "bindings/register.h"
#include "engine/engine.h"
#include "output/mailbox_sink.h"

namespace py = pybind11;
using namespace py::literals;

namespace inferno::bindings {
namespace {

class PyEngine {
 public:
  PyEngine(PyModel& model, EngineConfig config, int bell, bool export_prefixes, PyModel* draft) : sink_(bell) {
    for (const PyModel* one : {static_cast<const PyModel*>(&model), static_cast<const PyModel*>(draft)}) {
      if (one && one->taken) raise_unless_ok(invalid_argument("model", "this model already belongs to an engine; load it again"));
    }
    if (draft == &model) raise_unless_ok(invalid_argument("draft_model", "a model cannot guess for itself; load it again"));
    config.export_prefixes = export_prefixes;
    auto created = [&] {
      py::gil_scoped_release release;
      return Engine::create(model.model, config, sink_, clock_, draft ? draft->model : nullptr);
    }();
    engine_ = value_or_raise(std::move(created));
    model.taken = true;
    if (draft) draft->taken = true;
    live().insert(this);
  }

  ~PyEngine() {
    live().erase(this);
    py::gil_scoped_release release;
    engine_.reset();
  }

  std::uint64_t submit(const Request& request) {
    Request copy = request;
    auto id = [&] {
      py::gil_scoped_release release;
      return engine_->submit(std::move(copy));
    }();
    return static_cast<std::uint64_t>(value_or_raise(std::move(id)));
  }
  std::uint64_t load_adapter(const std::string& path) {
    auto loaded = [&] {
      py::gil_scoped_release release;
      return engine_->load_adapter(path);
    }();
    return static_cast<std::uint64_t>(value_or_raise(std::move(loaded)));
  }
  void unload_adapter(std::uint64_t id) { raise_unless_ok(engine_->unload_adapter(AdapterId{id})); }
  std::int32_t saved_tokens(const Tenant& tenant, const std::vector<TokenId>& prompt, std::uint64_t adapter) {
    return engine_->saved_tokens({tenant, AdapterId{adapter}}, prompt);
  }
  void restore(const Tenant& tenant, const std::vector<TokenId>& tokens, const py::buffer& bytes, std::uint64_t adapter) {
    const py::buffer_info view = bytes.request();
    if (view.ndim != 1 || view.strides[0] != view.itemsize) {
      raise_unless_ok(invalid_argument("data", "the bytes of a prefix must lie in one piece"));
    }
    const Status status = [&] {
      py::gil_scoped_release release;
      const auto size = static_cast<std::size_t>(view.size * view.itemsize);
      return engine_->restore({tenant, AdapterId{adapter}}, tokens, {static_cast<const std::byte*>(view.ptr), size});
    }();
    raise_unless_ok(status);
  }
  std::vector<SavedPrefixPtr> take_exported() { return engine_->take_exported(); }
  void cancel(std::uint64_t id) { engine_->cancel(RequestId{id}); }
  void end_thought(std::uint64_t id) { engine_->end_thought(RequestId{id}); }
  std::shared_ptr<PyMailbox> mailbox() const { return mailbox_; }
  std::optional<double> seconds_until_room(std::int64_t sequences, std::int64_t tokens) const {
    return engine_->seconds_until_room(sequences, tokens);
  }
  std::optional<double> seconds_until_left(std::int64_t sequences) const { return engine_->seconds_until_left(sequences); }
  EngineStats stats() const { return engine_->stats(); }
  bool healthy() const { return engine_->healthy(); }
  void stop() { engine_->stop(); }

  // The interpreter must not go down under a running output thread. Guarded by the GIL.
  static void stop_all() {
    for (PyEngine* engine : live()) {
      py::gil_scoped_release release;
      engine->stop();
    }
  }

 private:
  static std::unordered_set<PyEngine*>& live() {
    static auto* engines = new std::unordered_set<PyEngine*>;
    return *engines;
  }

  SteadyClock clock_;
  MailboxSink sink_;
  const std::shared_ptr<PyMailbox> mailbox_ = std::make_shared<PyMailbox>(sink_.mailbox());
  std::unique_ptr<Engine> engine_;
};

py::dict as_dict(const EngineStats& s) {
  const auto& gaps = s.output.inter_token_counts;
  return py::dict(
      "requests_running"_a = s.requests_running, "max_running"_a = s.max_running, "requests_waiting"_a = s.requests_waiting,
      "waiting_tokens"_a = s.waiting_tokens, "refused"_a = s.refused, "steps"_a = s.steps, "step_rows"_a = s.step_rows,
      "forward_seconds"_a = s.forward_seconds, "step_seconds"_a = s.step_seconds,
      "kv_capacity_tokens"_a = s.cache.capacity_tokens, "kv_used_tokens"_a = s.cache.used_tokens,
      "kv_leased_tokens"_a = s.cache.leased_tokens, "kv_leases"_a = s.cache.leases,
      "kv_kept_prefixes"_a = s.cache.kept_prefixes, "prefix_tokens_asked"_a = s.cache.prefix_tokens_asked,
      "prefix_tokens_reused"_a = s.cache.prefix_tokens_reused, "prefix_evictions"_a = s.cache.evictions,
      "host_cache_limit_bytes"_a = s.host.limit_bytes, "host_cache_used_bytes"_a = s.host.used_bytes,
      "host_cache_prefixes"_a = s.host.prefixes, "host_cache_saved"_a = s.host.saved,
      "host_cache_evictions"_a = s.host.evicted, "host_cache_refused"_a = s.host.refused,
      "prefix_tokens_from_host"_a = s.host.host_tokens, "prefix_tokens_from_store"_a = s.host.stored_tokens,
      "prompt_tokens"_a = s.scheduler.prompt_tokens, "prefill_tokens_computed"_a = s.scheduler.prefill_tokens,
      "preemptions"_a = s.scheduler.preemptions, "cancelled"_a = s.scheduler.cancelled(),
      "cancelled_waiting"_a = s.scheduler.cancelled_waiting,
      "cancelled_prefill"_a = s.scheduler.cancelled_prefill, "cancelled_decode"_a = s.scheduler.cancelled_decode,
      "expired"_a = s.scheduler.expired,
      "spec_drafted_tokens"_a = s.speculation.drafted, "spec_accepted_tokens"_a = s.speculation.accepted,
      "grammar_masks"_a = s.constraints.masks, "grammar_mask_seconds"_a = s.constraints.mask_seconds,
      "grammar_wait_seconds"_a = s.constraints.wait_seconds,
      "finished"_a = s.scheduler.finished, "failed"_a = s.scheduler.failed,
      "generated_tokens"_a = s.output.generated_tokens, "embedded_texts"_a = s.embedded_texts,
      "embedded_tokens"_a = s.embedded_tokens,
      "inter_token_bounds"_a = std::vector<double>(std::begin(kInterTokenBounds), std::end(kInterTokenBounds)),
      "inter_token_counts"_a = std::vector<std::uint64_t>(std::begin(gaps), std::end(gaps)),
      "inter_token_sum"_a = s.output.inter_token_sum);
}

}  // namespace

void register_engine(py::module_& module) {
  py::class_<EngineConfig>(module, "EngineConfig")
      .def(py::init<>())
      .def_readwrite("max_running", &EngineConfig::max_running)
      .def_readwrite("max_waiting", &EngineConfig::max_waiting)
      .def_readwrite("max_waiting_tokens", &EngineConfig::max_waiting_tokens)
      .def_readwrite("prefill_chunk", &EngineConfig::prefill_chunk)
      .def_readwrite("step_target_ms", &EngineConfig::step_target_ms)
      .def_readwrite("common_start_ms", &EngineConfig::common_start_ms)
      .def_readwrite("kept_tokens", &EngineConfig::kept_tokens)
      .def_readwrite("tenant_weights", &EngineConfig::tenant_weights)
      .def_readwrite("tenant_classes", &EngineConfig::tenant_classes)
      .def_readwrite("prefix_cache", &EngineConfig::prefix_cache)
      .def_readwrite("speculate", &EngineConfig::speculate)
      .def_readwrite("host_cache_bytes", &EngineConfig::host_cache_bytes);
  py::class_<EngineStats>(module, "EngineStats")
      .def_readonly("requests_running", &EngineStats::requests_running)
      .def_readonly("requests_waiting", &EngineStats::requests_waiting)
      .def("as_dict", &as_dict);
  py::class_<SavedPrefix, SavedPrefixPtr>(module, "SavedPrefix", py::buffer_protocol())
      .def_property_readonly("tenant", [](const SavedPrefix& p) { return p.owner.tenant; })
      .def_property_readonly("adapter", [](const SavedPrefix& p) { return static_cast<std::uint64_t>(p.owner.adapter); })
      .def_readonly("tokens", &SavedPrefix::tokens)
      .def_readonly("stored", &SavedPrefix::stored)
      .def_buffer([](const SavedPrefix& p) {
        const auto size = static_cast<py::ssize_t>(p.bytes.size());
        return py::buffer_info(reinterpret_cast<const std::uint8_t*>(p.bytes.data()), size);  // read-only
      });
  py::class_<PyEngine>(module, "Engine")
      .def(py::init<PyModel&, const EngineConfig&, int, bool, PyModel*>(), "model"_a, "config"_a, "bell"_a,
           "export_prefixes"_a = false, "draft"_a = py::none())
      .def("saved_tokens", &PyEngine::saved_tokens, "tenant"_a, "prompt"_a, "adapter"_a = 0,
           py::call_guard<py::gil_scoped_release>())
      .def("restore", &PyEngine::restore, "tenant"_a, "tokens"_a, "data"_a, "adapter"_a = 0)
      .def("load_adapter", &PyEngine::load_adapter, "path"_a)
      .def("unload_adapter", &PyEngine::unload_adapter, "adapter"_a)
      .def("take_exported", &PyEngine::take_exported, py::call_guard<py::gil_scoped_release>())
      .def("submit", &PyEngine::submit, "request"_a)
      .def("cancel", &PyEngine::cancel, "request_id"_a, py::call_guard<py::gil_scoped_release>())
      .def("end_thought", &PyEngine::end_thought, "request_id"_a, py::call_guard<py::gil_scoped_release>())
      .def("seconds_until_room", &PyEngine::seconds_until_room, "sequences"_a, "tokens"_a, py::call_guard<py::gil_scoped_release>())
      .def("seconds_until_left", &PyEngine::seconds_until_left, "sequences"_a, py::call_guard<py::gil_scoped_release>())
      .def("stats", &PyEngine::stats, py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("mailbox", &PyEngine::mailbox)
      .def_property_readonly("healthy", &PyEngine::healthy)
      .def("stop", &PyEngine::stop, py::call_guard<py::gil_scoped_release>());
  py::module_::import("atexit").attr("register")(py::cpp_function(&PyEngine::stop_all));
}

}  // namespace inferno::bindings
