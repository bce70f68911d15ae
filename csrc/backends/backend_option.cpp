#include "backends/backend_option.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

#include "backends/shown.h"

namespace inferno {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Without digits that say nothing: "1", "0.5".
std::string number_text(double number) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), number);
  return error == std::errc() ? std::string(text, end) : "0";
}

template <typename Number>
bool is_within(const std::string& value, double least, double most) {
  Number number{};
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const auto real = static_cast<double>(number);
  return error == std::errc() && end == value.data() + value.size() && std::isfinite(real) && real >= least && real <= most;
}

// What a value must be, in words; empty where this one is that.
std::string against(const BackendOption& option, const std::string& value) {
  const std::string range = " from " + number_text(option.least) + " to " + number_text(option.most);
  switch (option.kind) {
    case OptionKind::kInteger:
      return is_within<std::int64_t>(value, option.least, option.most) ? "" : "a whole number" + range;
    case OptionKind::kNumber:
      return is_within<double>(value, option.least, option.most) ? "" : "a number" + range;
    case OptionKind::kFlag: return value == "true" || value == "false" ? "" : "true or false";
    case OptionKind::kText: break;
  }
  const std::vector<std::string>& choices = option.choices;
  if (choices.empty() || std::find(choices.begin(), choices.end(), value) != choices.end()) return "";
  return "one of " + joined(choices);
}

Status unknown(const std::string& backend, std::span<const BackendOption> declared, const std::string& name) {
  std::vector<std::string> known;
  for (const BackendOption& option : declared) known.push_back(backend + "." + option.name);
  return invalid_argument(name, shown(name) + " is no option of the backend " + backend + ", which computes this model; it has " +
                                    (known.empty() ? "none of its own" : joined(known)));
}

}  // namespace

const char* option_kind_name(OptionKind kind) {
  switch (kind) {
    case OptionKind::kInteger: return "integer";
    case OptionKind::kNumber: return "number";
    case OptionKind::kFlag: return "flag";
    case OptionKind::kText: break;
  }
  return "text";
}

Result<BackendOptions> check_options(const std::string& backend, std::span<const BackendOption> declared,
                                     const BackendOptions& given) {
  for (const auto& [name, value] : given) {
    const auto option = std::find_if(declared.begin(), declared.end(),
                                     [&](const BackendOption& one) { return name == backend + "." + one.name; });
    if (option == declared.end()) return unknown(backend, declared, name);
    const std::string wanted = against(*option, value);
    if (!wanted.empty()) return invalid_argument(name, name + " is " + shown(value) + "; it must be " + wanted);
  }
  BackendOptions checked = given;
  for (const BackendOption& option : declared) checked.try_emplace(backend + "." + option.name, option.standard);
  return checked;
}

}  // namespace inferno
