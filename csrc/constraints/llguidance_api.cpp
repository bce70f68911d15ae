#include "constraints/llguidance_api.h"

#include <dlfcn.h>

namespace inferno {
namespace {

Status unusable(const std::string& why) {
  return Status(StatusCode::kUnsupported, "the llguidance library cannot be used: " + why);
}

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

}  // namespace

Status check_llguidance_version(std::string_view reported) {
  constexpr std::string_view kName = "llguidance@";
  const auto at = reported.find(kName);
  std::string_view version = at == std::string_view::npos ? reported : reported.substr(at + kName.size());
  version = version.substr(0, version.find_first_not_of("0123456789."));
  if (at != std::string_view::npos && version.starts_with(kLlguidanceVersion)) return {};
  return unusable("it is version '" + std::string(version) + "', and version " + std::string(kLlguidanceVersion) +
                  "* is needed");
}

Result<std::shared_ptr<const LlguidanceApi>> open_llguidance(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return unusable("it cannot be opened");
  auto api = std::make_shared<LlguidanceApi>();
  if (!find(library, "llg_get_version", api->get_version)) return unusable("it has no llg_get_version");
  if (Status status = check_llguidance_version(api->get_version()); !status.ok()) return status;
  const bool complete = find(library, "llg_new_tokenizer_v2", api->new_tokenizer_v2) &&
                        find(library, "llg_free_tokenizer", api->free_tokenizer) &&
                        find(library, "llg_constraint_init_set_defaults", api->constraint_init_set_defaults) &&
                        find(library, "llg_new_matcher", api->new_matcher) &&
                        find(library, "llg_clone_matcher", api->clone_matcher) &&
                        find(library, "llg_free_matcher", api->free_matcher) &&
                        find(library, "llg_matcher_get_error", api->matcher_get_error) &&
                        find(library, "llg_matcher_get_mask_byte_size", api->matcher_get_mask_byte_size) &&
                        find(library, "llg_matcher_compute_mask_into", api->matcher_compute_mask_into) &&
                        find(library, "llg_matcher_consume_token", api->matcher_consume_token) &&
                        find(library, "llg_matcher_validate_tokens", api->matcher_validate_tokens) &&
                        find(library, "llg_matcher_is_stopped", api->matcher_is_stopped) &&
                        find(library, "llg_matcher_reset", api->matcher_reset);
  if (!complete) return unusable("a function of its C interface is missing");
  return std::shared_ptr<const LlguidanceApi>(std::move(api));
}

}  // namespace inferno
