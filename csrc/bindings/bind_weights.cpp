// What a model's files hold and are, and making one GGUF file of SafeTensors shards.
#include <pybind11/stl.h>

#include <exception>
#include <optional>

#include "backends/model_files.h"
#include "bindings/register.h"

namespace py = pybind11;
using namespace py::literals;

namespace inferno::bindings {
namespace {

py::list listed(const std::vector<std::string>& paths) {
  auto found = [&] {
    py::gil_scoped_release release;
    return list_tensors(paths);
  }();
  py::list all;
  for (const ListedTensor& t : value_or_raise(std::move(found))) {
    const auto name = py::reinterpret_steal<py::str>(
        PyUnicode_DecodeUTF8(t.name.data(), static_cast<Py_ssize_t>(t.name.size()), "replace"));
    all.append(py::dict("name"_a = name, "dtype"_a = t.dtype, "shape"_a = t.shape, "offset"_a = t.offset,
                        "bytes"_a = t.bytes, "file"_a = t.file));
  }
  return all;
}

py::str text(const std::string& s) {
  return py::reinterpret_steal<py::str>(PyUnicode_DecodeUTF8(s.data(), static_cast<Py_ssize_t>(s.size()), "replace"));
}

py::list values(const std::vector<GraphValue>& given) {
  py::list all;
  for (const GraphValue& value : given) {
    py::list shape;  // of numbers, and names for what is open
    for (std::size_t i = 0; i < value.shape.size(); ++i) {
      if (value.shape[i] < 0 && !value.symbols[i].empty()) shape.append(text(value.symbols[i]));
      else shape.append(value.shape[i]);
    }
    all.append(py::dict("name"_a = text(value.name), "type"_a = value.type, "shape"_a = shape));
  }
  return all;
}

py::dict described(const std::string& path) {
  auto found = [&] {
    py::gil_scoped_release release;
    return describe_onnx(path);
  }();
  const GraphFile graph = value_or_raise(std::move(found));
  py::dict opsets;
  py::dict operators;
  py::list files;
  for (const auto& [domain, version] : graph.opsets) opsets[text(domain)] = version;
  for (const auto& [name, nodes] : graph.operators) operators[text(name)] = nodes;
  for (const std::string& file : graph.files) files.append(text(file));
  return py::dict("kind"_a = graph.kind, "ir_version"_a = graph.ir_version, "producer"_a = text(graph.producer),
                  "opsets"_a = opsets, "inputs"_a = values(graph.inputs), "outputs"_a = values(graph.outputs),
                  "operators"_a = operators, "weight_bytes"_a = graph.weight_bytes, "files"_a = files);
}

// Works with the GIL released; several times a second it is taken to report and to see whether Ctrl-C was pressed.
py::dict prepare(std::string out_path, std::string metadata, const std::vector<std::string>& shards,
                 std::vector<TensorPlan> tensors, std::int32_t threads, const std::optional<py::function>& progress) {
  std::exception_ptr raised;
  PrepareOrder order{std::move(out_path), std::move(metadata), std::move(tensors), threads, {}};
  order.progress = [&](float done) {
    py::gil_scoped_acquire gil;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      return !progress || (*progress)(done).cast<bool>();
    } catch (...) {
      raised = std::current_exception();
      return false;
    }
  };
  auto prepared = [&] {
    py::gil_scoped_release release;
    return prepare_gguf(shards, order);
  }();
  if (raised) std::rethrow_exception(raised);
  const PreparedStats stats = value_or_raise(std::move(prepared));
  return py::dict("tensors"_a = stats.tensors, "bytes"_a = stats.bytes, "copied_bytes"_a = stats.copied_bytes);
}

TensorSource make_source(std::string name, bool transpose, std::vector<std::int32_t> rows) {
  return {std::move(name), transpose, std::move(rows)};
}

TensorPlan make_plan(std::string name, std::string type, std::vector<std::uint64_t> shape,
                     std::vector<TensorSource> sources, float add, std::vector<float> values) {
  return {std::move(name), std::move(type), std::move(shape), std::move(sources), add, std::move(values)};
}

}  // namespace

void register_weights(py::module_& module) {
  py::class_<TensorSource>(module, "TensorSource")
      .def(py::init(&make_source), "name"_a, py::kw_only(), "transpose"_a = false,
           "rows"_a = std::vector<std::int32_t>())
      .def_readwrite("name", &TensorSource::name)
      .def_readwrite("transpose", &TensorSource::transpose)
      .def_readwrite("rows", &TensorSource::rows);
  py::class_<TensorPlan>(module, "TensorPlan")
      .def(py::init(&make_plan), "name"_a, "type"_a, "shape"_a, "sources"_a = std::vector<TensorSource>(),
           py::kw_only(), "add"_a = 0.0F, "values"_a = std::vector<float>())
      .def_readwrite("name", &TensorPlan::name)
      .def_readwrite("type", &TensorPlan::type)
      .def_readwrite("shape", &TensorPlan::shape)
      .def_readwrite("sources", &TensorPlan::sources)
      .def_readwrite("add", &TensorPlan::add)
      .def_readwrite("values", &TensorPlan::values);
  module.def("list_tensors", &listed, "paths"_a);
  module.def("describe_onnx", &described, "path"_a);
  module.def(
      "type_block", [](const std::string& type) { return value_or_raise(type_block(type)); }, "type"_a);
  module.def("prepare_gguf", &prepare, "out_path"_a, "metadata"_a, "shards"_a, "tensors"_a, "threads"_a = 0,
             "progress"_a = py::none());
}

}  // namespace inferno::bindings
