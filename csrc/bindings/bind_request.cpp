// What is asked: values only. Ranges are checked by Engine::submit.
#include <pybind11/stl.h>

#include <tuple>

#include "bindings/register.h"
#include "request/request.h"

namespace py = pybind11;

namespace inferno::bindings {
namespace {

using Placed = std::pair<std::int32_t, std::shared_ptr<MediaRows>>;  // pybind11 has no holder of const

void set_media(Request& request, const std::vector<Placed>& placed) {
  request.media.clear();
  for (const auto& [first, rows] : placed) request.media.push_back({first, rows});
}

std::vector<Placed> media_of(const Request& request) {
  std::vector<Placed> placed;
  for (const PlacedMedia& medium : request.media) placed.emplace_back(medium.first, std::const_pointer_cast<MediaRows>(medium.rows));
  return placed;
}

}  // namespace

void register_request(py::module_& module) {
  py::class_<SamplingParams>(module, "SamplingParams")
      .def(py::init<>())
      .def_readwrite("temperature", &SamplingParams::temperature)
      .def_readwrite("top_k", &SamplingParams::top_k)
      .def_readwrite("top_p", &SamplingParams::top_p)
      .def_readwrite("min_p", &SamplingParams::min_p)
      .def_readwrite("typical_p", &SamplingParams::typical_p)
      .def_readwrite("top_n_sigma", &SamplingParams::top_n_sigma)
      .def_readwrite("repetition_penalty", &SamplingParams::repetition_penalty)
      .def_readwrite("frequency_penalty", &SamplingParams::frequency_penalty)
      .def_readwrite("presence_penalty", &SamplingParams::presence_penalty)
      .def_readwrite("penalty_last_n", &SamplingParams::penalty_last_n)
      .def_readwrite("dry_multiplier", &SamplingParams::dry_multiplier)
      .def_readwrite("dry_base", &SamplingParams::dry_base)
      .def_readwrite("dry_allowed_length", &SamplingParams::dry_allowed_length)
      .def_readwrite("dry_last_n", &SamplingParams::dry_last_n)
      .def_readwrite("dry_breakers", &SamplingParams::dry_breakers)
      .def_readwrite("xtc_probability", &SamplingParams::xtc_probability)
      .def_readwrite("xtc_threshold", &SamplingParams::xtc_threshold)
      .def_readwrite("mirostat", &SamplingParams::mirostat)
      .def_readwrite("mirostat_tau", &SamplingParams::mirostat_tau)
      .def_readwrite("mirostat_eta", &SamplingParams::mirostat_eta)
      .def_readwrite("logit_bias", &SamplingParams::logit_bias)
      .def_readwrite("seed", &SamplingParams::seed)
      .def_readwrite("logprobs", &SamplingParams::logprobs)
      .def_readwrite("prompt_logprobs", &SamplingParams::prompt_logprobs);
  py::class_<Request>(module, "Request")
      .def(py::init<>())
      .def_readwrite("tenant", &Request::tenant)
      .def_property(
          "adapter", [](const Request& r) { return static_cast<std::uint64_t>(r.adapter); },
          [](Request& r, std::uint64_t id) { r.adapter = AdapterId{id}; })
      .def_readwrite("prompt", &Request::prompt)
      .def_property("media", &media_of, &set_media)
      .def_readwrite("sampling", &Request::sampling)
      .def_readwrite("n", &Request::n)
      .def_readwrite("max_tokens", &Request::max_tokens)
      .def_readwrite("prompt_only", &Request::prompt_only)
      .def_readwrite("priority", &Request::priority)
      .def_readwrite("timeout", &Request::timeout)
      .def_readwrite("stop", &Request::stop)
      .def_readwrite("stop_tokens", &Request::stop_tokens)
      .def_readwrite("shown_tokens", &Request::shown_tokens)
      .def_readwrite("ignore_eos", &Request::ignore_eos)
      .def_readwrite("keep_stop_text", &Request::keep_stop_text)
      .def_readwrite("prediction", &Request::prediction)
      .def_property(
          "thought",
          [](const Request& r) {
            return std::make_tuple(r.thought.open, r.thought.close, r.thought.begun, r.thought.tokens);
          },
          [](Request& r, const std::tuple<TokenId, TokenId, bool, std::int32_t>& limit) {
            std::tie(r.thought.open, r.thought.close, r.thought.begun, r.thought.tokens) = limit;
          })
      .def_readwrite("grammar", &Request::grammar);
}

}  // namespace inferno::bindings
