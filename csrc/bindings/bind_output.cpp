// What comes out: the mailbox, and OutputDelta, read-only.
#include <pybind11/stl.h>

#include "bindings/py_mailbox.h"
#include "bindings/register.h"
#include "output/output_sink.h"
#include "output/text_frame.h"

namespace py = pybind11;

namespace inferno::bindings {
namespace {

std::optional<std::string> finish_name(const OutputDelta& delta) {
  switch (delta.finish) {
    case FinishReason::kNone: return std::nullopt;
    case FinishReason::kStop: return "stop";
    case FinishReason::kLength: return "length";
    case FinishReason::kCancelled: return "cancelled";
    case FinishReason::kError: return "error";
  }
  return "error";
}

py::list listed(const std::vector<TokenLogprob>& logprobs) {
  py::list listed;
  for (const TokenLogprob& entry : logprobs) listed.append(py::make_tuple(entry.token, entry.logprob, entry.top));
  return listed;
}

py::object error_of(const OutputDelta& delta) {
  if (delta.error.ok()) return py::none();
  return py::make_tuple(std::string(status_code_name(delta.error.code())), delta.error.message(), delta.error.param());
}

// Not by a string_view, which takes bytes that are no text, too.
py::bytes event(const TextFrame& frame, const py::str& text) {
  Py_ssize_t size = 0;
  const char* utf8 = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (!utf8) throw py::error_already_set();
  return py::bytes(frame.event({utf8, static_cast<std::size_t>(size)}));
}

}  // namespace

void register_output(py::module_& module) {
  py::class_<TextFrame, std::shared_ptr<TextFrame>>(module, "TextFrame")
      .def(py::init([](const py::bytes& before, const py::bytes& after) { return std::make_shared<TextFrame>(before, after); }))
      .def("chunked", [](const TextFrame& frame) { return std::make_shared<TextFrame>(frame.chunked()); })
      .def("event", &event);
  py::class_<PyMailbox, std::shared_ptr<PyMailbox>>(module, "DeltaMailbox")
      .def("take", &PyMailbox::take)
      .def("frame", &PyMailbox::frame)
      .def("unframe", &PyMailbox::unframe);
  py::class_<OutputDelta>(module, "OutputDelta")
      .def_property_readonly("logprobs", [](const OutputDelta& d) { return listed(d.logprobs); })
      .def_property_readonly("prompt_logprobs", [](const OutputDelta& d) { return listed(d.prompt_logprobs); })
      .def_property_readonly("finish", &finish_name)
      .def_readonly("matched_stop", &OutputDelta::matched_stop)
      .def_property_readonly("usage", [](const OutputDelta& d) {
        return py::make_tuple(d.usage.prompt_tokens, d.usage.cached_tokens, d.usage.completion_tokens, d.usage.drafted_tokens,
                              d.usage.accepted_tokens);
      })
      .def_property_readonly("timings", [](const OutputDelta& d) {
        return py::make_tuple(d.timings.scheduled, d.timings.first_token, d.timings.finished);
      })
      .def_property_readonly("error", &error_of);
}

}  // namespace inferno::bindings
