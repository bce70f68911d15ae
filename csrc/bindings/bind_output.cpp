// What comes out: the mailbox, and OutputDelta, read-only.
#include <pybind11/stl.h>

#include "bindings/register.h"
#include "output/delta_mailbox.h"
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

// (request, index, text, tokens, rest). Plain tuples, since this runs for every token of every stream: `rest`, an
// OutputDelta, is there only when the delta has more to say than text and tokens.
py::tuple crossing(OutputDelta&& delta) {
  py::tuple tokens(delta.tokens.size());
  for (std::size_t i = 0; i < delta.tokens.size(); ++i) tokens[i] = delta.tokens[i];
  py::tuple crossed = py::make_tuple(static_cast<std::uint64_t>(delta.request), delta.index, delta.text, std::move(tokens), py::none());
  if (!delta.plain()) crossed[4] = py::cast(std::move(delta));
  return crossed;
}

py::tuple take(DeltaMailbox& mailbox) {
  MailTaken taken = mailbox.take();
  py::list events(taken.events.size());
  for (std::size_t i = 0; i < taken.events.size(); ++i) {
    const FramedEvent& one = taken.events[i];
    events[i] = py::make_tuple(static_cast<std::uint64_t>(one.request), one.index, py::bytes(one.event));
  }
  py::list deltas(taken.deltas.size());
  for (std::size_t i = 0; i < taken.deltas.size(); ++i) deltas[i] = crossing(std::move(taken.deltas[i]));
  return py::make_tuple(std::move(events), std::move(deltas));
}

// Not by a string_view, which takes bytes that are no text, too.
py::bytes event(const TextFrame& frame, const py::str& text) {
  Py_ssize_t size = 0;
  const char* utf8 = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (!utf8) throw py::error_already_set();
  return py::bytes(frame.event({utf8, static_cast<std::size_t>(size)}));
}

void frame(DeltaMailbox& mailbox, std::uint64_t request, std::int32_t index, std::shared_ptr<TextFrame> frame) {
  mailbox.frame(RequestId{request}, index, std::move(frame));
}

}  // namespace

void register_output(py::module_& module) {
  py::class_<TextFrame, std::shared_ptr<TextFrame>>(module, "TextFrame")
      .def(py::init([](const py::bytes& before, const py::bytes& after) { return std::make_shared<TextFrame>(before, after); }))
      .def("chunked", [](const TextFrame& frame) { return std::make_shared<TextFrame>(frame.chunked()); })
      .def("event", &event);
  py::class_<DeltaMailbox, std::shared_ptr<DeltaMailbox>>(module, "DeltaMailbox")
      .def("take", &take)
      .def("frame", &frame)
      .def("unframe", [](DeltaMailbox& mailbox, std::uint64_t request) { mailbox.unframe(RequestId{request}); });
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
