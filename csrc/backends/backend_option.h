// BackendOption: what one backend can be told and no other knows of. Declared by the backend, checked by the registry
// (check_options), shown to people from the declaration alone.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace inferno {

enum class OptionKind { kText, kInteger, kNumber, kFlag };  // a flag is true or false

struct BackendOption {
  std::string name;  // "provider": of a-z, 0-9 and _
  OptionKind kind = OptionKind::kText;
  std::string standard = {};              // the value of whoever says nothing, as text
  std::string help = {};                  // for people, in sentences
  std::vector<std::string> choices = {};  // of a text; empty: whatever the backend understands
  double least = 0;                       // of a number
  double most = 0;
};

// Values as text, each under its full name: "onnx.provider".
using BackendOptions = std::map<std::string, std::string>;

// "text", "integer", "number", "flag".
[[nodiscard]] const char* option_kind_name(OptionKind kind);

// `given`, with the standard of every option of `backend` that is not in it. kInvalidArgument, by the option's name, for
// one that is not declared (says which are) and for a value that is not of its kind, choices or range (says what is).
[[nodiscard]] Result<BackendOptions> check_options(const std::string& backend, std::span<const BackendOption> declared,
                                                   const BackendOptions& given);

// The value of a full name; the empty text where nobody said one and nobody checked.
[[nodiscard]] inline std::string option_value(const BackendOptions& options, const std::string& name) {
  const auto found = options.find(name);
  return found == options.end() ? std::string() : found->second;
}

}  // namespace inferno
