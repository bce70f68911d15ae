// Grammars of answers: compiled with the GIL released, and handed on in a Request.
#include <pybind11/pybind11.h>

#include <memory>
#include <string>

#include "bindings/py_model.h"
#include "bindings/register.h"
#include "constraints/llguidance.h"

namespace py = pybind11;
using namespace py::literals;

namespace inferno::bindings {
namespace {

Result<std::shared_ptr<GrammarCompiler>> create(const Model& model, const std::string& library) {
  auto api = open_llguidance(library);
  if (!api.ok()) return api.status();
  return GrammarCompiler::create(std::move(api).value(), model.tokenizer());
}

std::shared_ptr<GrammarCompiler> make_compiler(const PyModel& model, const std::string& library) {
  auto made = [&] {
    py::gil_scoped_release release;
    return create(*model.model, library);
  }();
  return value_or_raise(std::move(made));
}

GrammarPtr compile(const GrammarCompiler& self, const std::string& type, const std::string& text) {
  auto compiled = [&] {
    py::gil_scoped_release release;
    return self.compile(type, text);
  }();
  return value_or_raise(std::move(compiled));
}

}  // namespace

void register_grammar(py::module_& module) {
  py::class_<CompiledGrammar, GrammarPtr>(module, "Grammar");
  py::class_<GrammarCompiler, std::shared_ptr<GrammarCompiler>>(module, "GrammarCompiler")
      .def(py::init(&make_compiler), "model"_a, "library"_a)
      .def("compile", &compile, "type"_a, "text"_a);
}

}  // namespace inferno::bindings
