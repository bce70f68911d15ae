// What comes out: the mailbox, and OutputDelta, read-only.
#include <pybind11/stl.h>

#include "bindings/register.h"
#include "output/delta_mailbox.h"
#include "output/output_sink.h"

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
  const bool plain = delta.finish == FinishReason::kNone && delta.logprobs.empty() && delta.prompt_logprobs.empty();
  py::tuple crossed = py::make_tuple(static_cast<std::uint64_t>(delta.request), delta.index, delta.text, std::move(tokens), py::none());
  if (!plain) crossed[4] = py::cast(std::move(delta));
  return crossed;
}

py::list take(DeltaMailbox& mailbox) {
  std::vector<OutputDelta> deltas = mailbox.take();
  py::list all(deltas.size());
  for (std::size_t i = 0; i < deltas.size(); ++i) all[i] = crossing(std::move(deltas[i]));
  return all;
}

}  // namespace

void register_output(py::module_& module) {
  py::class_<DeltaMailbox, std::shared_ptr<DeltaMailbox>>(module, "DeltaMailbox").def("take", &take);
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
