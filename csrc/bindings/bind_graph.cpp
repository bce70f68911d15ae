// Graphs that are computed as they are: loading one, and its engine. Tensors cross without a copy of their numbers: those
// that go in are read where Python has them, those that come out are buffers. Every call that can block or wait for the
// engine's thread releases the GIL, the destructor too.
//
// DANGER: the sink runs on that thread, which must get the GIL to finish. Whoever joins it must have released the GIL.
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <unordered_set>

#include "backends/backend_registry.h"
#include "base/clock.h"
#include "bindings/register.h"
#include "engine/graph_engine.h"

namespace py = pybind11;
using namespace py::literals;

namespace inferno::bindings {
namespace {

struct PyGraph {
  std::shared_ptr<const GraphModel> model;
};

constexpr std::uintptr_t kAlignment = 16;  // what a graph's kernels may rely on; a part of a request's body has any

py::str text(const std::string& s) {
  return py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(s.data(), static_cast<Py_ssize_t>(s.size()), "replace"));
}

PyGraph load(const std::string& path, const ModelOptions& options) {
  auto loaded = [&] {
    py::gil_scoped_release release;
    return built_in_backends().load_graph(path, options);
  }();
  return {value_or_raise(std::move(loaded))};
}

py::list values(const std::vector<GraphValue>& given) {
  py::list all;
  for (const GraphValue& value : given) all.append(py::make_tuple(text(value.name), value.type, value.shape));
  return all;
}

py::dict info_of(const PyGraph& self) {
  const GraphInfo& i = self.model->info();
  return py::dict("name"_a = text(i.name), "producer"_a = text(i.producer), "device"_a = text(i.device), "backend_options"_a = i.backend_options,
                  "inputs"_a = values(i.inputs), "outputs"_a = values(i.outputs), "weight_bytes"_a = i.weight_bytes,
                  "threads"_a = i.threads, "batches"_a = i.batches);
}

// A Python object that holds memory, let go with the GIL held, on whatever thread.
std::shared_ptr<const void> owner_of(py::buffer_info&& view) {
  auto* held = new py::buffer_info(std::move(view));
  return {static_cast<const void*>(held), [held](const void*) {
            py::gil_scoped_acquire gil;
            delete held;
          }};
}

// `data` is a list of strings (BYTES), each bytes, or a buffer whose bytes are the numbers, row by row.
GraphTensor tensor_of(const std::string& name, const std::string& type, std::vector<std::int64_t> shape, const py::object& data) {
  GraphTensor tensor{name, type, std::move(shape), {}, {}, nullptr};
  if (py::isinstance<py::list>(data)) {
    tensor.texts = data.cast<std::vector<std::string>>();
    return tensor;
  }
  py::buffer_info view = py::reinterpret_borrow<py::buffer>(data).request();
  if (view.size > 0 && PyBuffer_IsContiguous(view.view(), 'C') == 0) {
    raise_unless_ok(invalid_argument("inputs", "an input's numbers do not stand together, row by row"));
  }
  tensor.bytes = {static_cast<const std::byte*>(view.ptr), static_cast<std::size_t>(view.size * view.itemsize)};
  if (reinterpret_cast<std::uintptr_t>(view.ptr) % kAlignment == 0) {
    tensor.owner = owner_of(std::move(view));
    return tensor;
  }
  auto copy = std::make_shared<std::vector<std::byte>>(tensor.bytes.begin(), tensor.bytes.end());
  tensor.bytes = *copy;
  tensor.owner = std::move(copy);
  return tensor;
}

class PyGraphEngine final : public GraphSink {
 public:
  PyGraphEngine(const PyGraph& graph, const EngineConfig& config, std::int64_t rows, py::function on_outputs)
      : on_outputs_(std::move(on_outputs)) {
    engine_ = std::make_unique<GraphEngine>(graph.model, config, rows, *this, clock_);
    live().insert(this);
  }

  ~PyGraphEngine() override {
    live().erase(this);
    py::gil_scoped_release release;
    engine_.reset();
  }

  std::uint64_t submit(const std::vector<std::tuple<std::string, std::string, std::vector<std::int64_t>, py::object>>& inputs,
                       std::vector<std::string> outputs) {
    GraphRequest request;
    for (const auto& [name, type, shape, data] : inputs) request.inputs.push_back(tensor_of(name, type, shape, data));
    request.outputs = std::move(outputs);
    auto id = [&] {
      py::gil_scoped_release release;
      return engine_->submit(std::move(request));
    }();
    return static_cast<std::uint64_t>(value_or_raise(std::move(id)));
  }
  void cancel(std::uint64_t id) { engine_->cancel(RequestId{id}); }
  std::optional<double> seconds_until_room() const { return engine_->seconds_until_room(); }
  EngineStats stats() const { return engine_->stats(); }
  void stop() { engine_->stop(); }

  void on_outputs(std::vector<GraphOutput> outputs) override {
    py::gil_scoped_acquire gil;
    try {
      py::list all;
      for (GraphOutput& output : outputs) all.append(crossing(output));
      on_outputs_(std::move(all));
    } catch (py::error_already_set& error) {
      error.discard_as_unraisable("inferno on_outputs");
    }
  }

  // The interpreter must not go down under a running thread. Guarded by the GIL.
  static void stop_all() {
    for (PyGraphEngine* engine : live()) {
      py::gil_scoped_release release;
      engine->stop();
    }
  }

 private:
  // (request, tensors, timings, error).
  static py::tuple crossing(GraphOutput& output) {
    py::object error = py::none();
    if (!output.error.ok()) {
      error = py::make_tuple(std::string(status_code_name(output.error.code())), output.error.message(), output.error.param());
    }
    py::list tensors;
    for (GraphTensor& tensor : output.tensors) tensors.append(py::cast(std::make_unique<GraphTensor>(std::move(tensor))));
    return py::make_tuple(static_cast<std::uint64_t>(output.request), tensors,
                          py::make_tuple(output.timings.scheduled, output.timings.finished), std::move(error));
  }
  static std::unordered_set<PyGraphEngine*>& live() {
    static auto* engines = new std::unordered_set<PyGraphEngine*>;
    return *engines;
  }

  SteadyClock clock_;
  py::function on_outputs_;
  std::unique_ptr<GraphEngine> engine_;
};

py::list texts_of(const GraphTensor& tensor) {
  py::list all;
  for (const std::string& one : tensor.texts) all.append(py::bytes(one));
  return all;
}

}  // namespace

void register_graph(py::module_& module) {
  py::class_<PyGraph>(module, "Graph")
      .def_static("load", &load, "path"_a, "options"_a)
      .def_property_readonly("info", &info_of);
  py::class_<GraphTensor, std::unique_ptr<GraphTensor>>(module, "GraphTensor", py::buffer_protocol())
      .def_readonly("name", &GraphTensor::name)
      .def_readonly("type", &GraphTensor::type)
      .def_readonly("shape", &GraphTensor::shape)
      .def_property_readonly("texts", &texts_of)
      .def_buffer([](const GraphTensor& t) {
        const auto size = static_cast<py::ssize_t>(t.bytes.size());
        return py::buffer_info(reinterpret_cast<const std::uint8_t*>(t.bytes.data()), size);  // read-only
      });
  py::class_<PyGraphEngine>(module, "GraphEngine")
      .def(py::init<const PyGraph&, const EngineConfig&, std::int64_t, py::function>(), "graph"_a, "config"_a, "rows"_a,
           "on_outputs"_a)
      .def("submit", &PyGraphEngine::submit, "inputs"_a, "outputs"_a)
      .def("cancel", &PyGraphEngine::cancel, "request_id"_a, py::call_guard<py::gil_scoped_release>())
      .def("seconds_until_room", &PyGraphEngine::seconds_until_room, py::call_guard<py::gil_scoped_release>())
      .def("stats", &PyGraphEngine::stats, py::call_guard<py::gil_scoped_release>())
      .def("stop", &PyGraphEngine::stop, py::call_guard<py::gil_scoped_release>());
  py::module_::import("atexit").attr("register")(py::cpp_function(&PyGraphEngine::stop_all));
}

}  // namespace inferno::bindings
