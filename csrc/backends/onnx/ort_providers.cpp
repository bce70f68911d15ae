#include "backends/onnx/ort_providers.h"

#include <algorithm>
#include <cctype>

#include "backends/onnx/onnx_backend.h"
#include "backends/onnx/ort_handles.h"
#include "backends/onnx/ort_status.h"
#include "backends/shown.h"
#include "base/log.h"

namespace inferno {
namespace {

constexpr std::string_view kCpu = "cpu";
constexpr std::string_view kCuda = "cuda";
constexpr std::string_view kSuffix = "ExecutionProvider";

Status malformed(std::string_view part) {
  return invalid_argument(kOnnxProvider, std::string(kOnnxProvider) + " has " + shown(part) +
                                             "; it must be names separated by commas, each with :option=value behind it or not");
}

Result<ProviderChoice> parse_one(std::string_view text) {
  ProviderChoice choice;
  std::size_t end = std::min(text.find(':'), text.size());
  choice.name = short_provider_name(text.substr(0, end));
  if (choice.name.empty()) return malformed(text);
  while (end < text.size()) {
    text.remove_prefix(end + 1);
    end = std::min(text.find(':'), text.size());
    const std::string_view option = text.substr(0, end);
    const std::size_t equals = option.find('=');
    if (equals == 0 || equals == std::string_view::npos) return malformed(option);
    choice.options.emplace_back(option.substr(0, equals), option.substr(equals + 1));
  }
  return choice;
}

// The name that ONNX Runtime's function of all other providers takes: the full one without its suffix.
std::string generic_name(const OrtApi& api, std::string_view name) {
  const auto full = std::find_if(api.providers.begin(), api.providers.end(),
                                 [&](const std::string& one) { return short_provider_name(one) == name; });
  return full->substr(0, full->size() - kSuffix.size());
}

bool is_here(const OrtApi& api, std::string_view name) {
  return std::any_of(api.providers.begin(), api.providers.end(),
                     [&](const std::string& full) { return short_provider_name(full) == name; });
}

Status append(const OrtApi& api, OrtSessionOptions* options, const ProviderChoice& choice) {
  std::vector<const char*> keys;
  std::vector<const char*> values;
  for (const auto& [key, value] : choice.options) {
    keys.push_back(key.c_str());
    values.push_back(value.c_str());
  }
  if (choice.name != kCuda) {
    const std::string name = generic_name(api, choice.name);
    return ort_status(api, api.append_provider(options, name.c_str(), keys.data(), values.data(), keys.size()));
  }
  OrtCudaOptions* made = nullptr;
  if (Status status = ort_status(api, api.create_cuda_options(&made)); !status.ok()) return status;
  const auto cuda = owned(made, api.release_cuda_options);
  if (!keys.empty()) {
    OrtStatus* answer = api.update_cuda_options(made, keys.data(), values.data(), keys.size());
    if (Status status = ort_status(api, answer); !status.ok()) return status;
  }
  return ort_status(api, api.append_cuda(options, made));
}

std::string missing(const OrtApi& api, const std::string& name, const Status& why) {
  const std::string message = "provider " + shown(name) + " is not available";
  return message + (why.ok() ? "" : " (" + why.message() + ")") + "; this ONNX Runtime has " + available_providers(api);
}

Status no_fallback(const OrtApi& api, const std::string& name, const Status& why) {
  return Status(StatusCode::kUnsupported,
                missing(api, name, why) + ". Name a fallback behind it, as in '" + name +
                    ",cpu', or install the onnxruntime wheel that has it",
                kOnnxProvider);
}

}  // namespace

std::string short_provider_name(std::string_view full) {
  if (full.ends_with(kSuffix)) full.remove_suffix(kSuffix.size());
  std::string name(full);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

std::string available_providers(const OrtApi& api) {
  std::string names;
  for (const std::string& full : api.providers) names += (names.empty() ? "" : ", ") + short_provider_name(full);
  return names;
}

Result<std::vector<ProviderChoice>> parse_providers(std::string_view list) {
  std::vector<ProviderChoice> choices;
  if (list.empty()) list = kCpu;
  for (std::size_t end = 0; end < list.size() + 1;) {
    const std::size_t comma = std::min(list.find(',', end), list.size());
    Result<ProviderChoice> one = parse_one(list.substr(end, comma - end));
    if (!one.ok()) return one.status();
    choices.push_back(std::move(one).value());
    end = comma + 1;
  }
  return choices;
}

Result<std::vector<std::string>> append_providers(const OrtApi& api, OrtSessionOptions* options,
                                                  const std::vector<ProviderChoice>& choices) {
  std::vector<std::string> used;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const ProviderChoice& choice = choices[i];
    if (choice.name == kCpu) {  // is there always, as the last
      used.push_back(choice.name);
      continue;
    }
    Status status;
    const bool here = is_here(api, choice.name);
    if (here) status = append(api, options, choice);
    if (here && status.ok()) {
      used.push_back(choice.name);
      continue;
    }
    if (status.code() == StatusCode::kInvalidArgument) return status;
    if (i + 1 == choices.size()) return no_fallback(api, choice.name, status);
    log(LogLevel::kWarning, "onnx", missing(api, choice.name, status) + "; the next of the list is taken");
  }
  if (std::find(used.begin(), used.end(), kCpu) == used.end()) {
    OrtStatus* answer = api.add_config_entry(options, "session.disable_cpu_ep_fallback", "1");
    if (Status status = ort_status(api, answer); !status.ok()) return status;
  }
  return used;
}

}  // namespace inferno
