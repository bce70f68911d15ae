// The embedder as Python sees it. Every call that can block or wait for its thread releases the GIL, the destructor too
// (see py_embed_sink.h).
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <unordered_set>

#include "base/clock.h"
#include "bindings/py_embed_sink.h"
#include "bindings/py_model.h"
#include "bindings/register.h"
#include "engine/embedder.h"

namespace py = pybind11;
using namespace py::literals;

namespace inferno::bindings {
namespace {

// (request, index, vector, timings, error): the vector as bytes, float32 of this machine's order, since Python only hands
// it on.
py::tuple crossing(const EmbedOutput& output) {
  py::object error = py::none();
  if (!output.error.ok()) {
    error = py::make_tuple(std::string(status_code_name(output.error.code())), output.error.message(), output.error.param());
  }
  const auto* bytes = reinterpret_cast<const char*>(output.vector.data());
  return py::make_tuple(static_cast<std::uint64_t>(output.request), output.index,
                        py::bytes(bytes, output.vector.size() * sizeof(float)),
                        py::make_tuple(output.timings.scheduled, output.timings.finished), std::move(error));
}

class PyEmbedder {
 public:
  PyEmbedder(PyModel& model, const EngineConfig& config, py::function on_embeddings) : sink_(std::move(on_embeddings)) {
    if (model.taken) raise_unless_ok(invalid_argument("model", "this model already belongs to an engine; load it again"));
    auto created = [&] {
      py::gil_scoped_release release;
      return Embedder::create(model.model, config, sink_, clock_);
    }();
    embedder_ = value_or_raise(std::move(created));
    model.taken = true;
    live().insert(this);
  }

  ~PyEmbedder() {
    live().erase(this);
    py::gil_scoped_release release;
    embedder_.reset();
  }

  std::uint64_t submit(const EmbedRequest& request) {
    EmbedRequest copy = request;
    auto id = [&] {
      py::gil_scoped_release release;
      return embedder_->submit(std::move(copy));
    }();
    return static_cast<std::uint64_t>(value_or_raise(std::move(id)));
  }
  void cancel(std::uint64_t id) { embedder_->cancel(RequestId{id}); }
  std::optional<double> seconds_until_room(std::int64_t tokens) const { return embedder_->seconds_until_room(tokens); }
  EngineStats stats() const { return embedder_->stats(); }
  bool healthy() const { return embedder_->healthy(); }
  void stop() { embedder_->stop(); }

  // The interpreter must not go down under a running thread. Guarded by the GIL.
  static void stop_all() {
    for (PyEmbedder* embedder : live()) {
      py::gil_scoped_release release;
      embedder->stop();
    }
  }

 private:
  static std::unordered_set<PyEmbedder*>& live() {
    static auto* embedders = new std::unordered_set<PyEmbedder*>;
    return *embedders;
  }

  SteadyClock clock_;
  PyEmbedSink sink_;
  std::unique_ptr<Embedder> embedder_;
};

}  // namespace

void PyEmbedSink::on_embeddings(std::span<const EmbedOutput> outputs) {
  py::gil_scoped_acquire gil;
  try {
    py::list all(outputs.size());
    for (std::size_t i = 0; i < outputs.size(); ++i) all[i] = crossing(outputs[i]);
    on_embeddings_(std::move(all));
  } catch (py::error_already_set& error) {
    error.discard_as_unraisable("inferno on_embeddings");
  }
}

void register_embedder(py::module_& module) {
  py::class_<EmbedRequest>(module, "EmbedRequest")
      .def(py::init<>())
      .def_readwrite("tenant", &EmbedRequest::tenant)
      .def_readwrite("texts", &EmbedRequest::texts)
      .def_readwrite("seconds", &EmbedRequest::seconds)
      .def_readwrite("dimensions", &EmbedRequest::dimensions)
      .def_readwrite("normalize", &EmbedRequest::normalize)
      .def_readwrite("priority", &EmbedRequest::priority);
  py::class_<PyEmbedder>(module, "Embedder")
      .def(py::init<PyModel&, const EngineConfig&, py::function>(), "model"_a, "config"_a, "on_embeddings"_a)
      .def("submit", &PyEmbedder::submit, "request"_a)
      .def("cancel", &PyEmbedder::cancel, "request_id"_a, py::call_guard<py::gil_scoped_release>())
      .def("seconds_until_room", &PyEmbedder::seconds_until_room, "tokens"_a, py::call_guard<py::gil_scoped_release>())
      .def("stats", &PyEmbedder::stats, py::call_guard<py::gil_scoped_release>())
      .def_property_readonly("healthy", &PyEmbedder::healthy)
      .def("stop", &PyEmbedder::stop, py::call_guard<py::gil_scoped_release>());
  py::module_::import("atexit").attr("register")(py::cpp_function(&PyEmbedder::stop_all));
}

}  // namespace inferno::bindings
