// Status: why something was refused or failed. Bad input and overload are Status values; exceptions are kept for
// broken invariants (see InternalError), and neither ever aborts the process that embeds the engine.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace inferno {

// One code per answer a caller can act on. The wire names (status_code_name) are part of the Python contract:
// python/inferno/errors.py has one class per code.
enum class StatusCode {
  kOk,
  kInvalidArgument,         // a value out of its range; `param` names it
  kContextLengthExceeded,   // the prompt does not fit the model's context
  kNotFound,                // no such model, file or id
  kUnsupported,             // understood, but this backend or model cannot do it
  kQueueFull,               // overload: try again later
  kUnavailable,             // the engine is stopping or has failed
  kCancelled,               // the caller asked for the end
  kDeadlineExceeded,        // it did not end in the time that it was given
  kOutOfMemory,             // a budget would be exceeded
  kDataCorrupted,           // a model file is not what it claims to be
  kInternal,                // a bug in Inferno or in a backend
};

// The snake_case name of a code, e.g. "queue_full". Never empty.
[[nodiscard]] std::string_view status_code_name(StatusCode code);

// A value type; copies are cheap enough for error paths and free of allocation when ok.
class [[nodiscard]] Status {
 public:
  Status() = default;
  // `message` names the offending value and the limit; `param` the request field, when there is one.
  Status(StatusCode code, std::string message, std::string param = {})
      : code_(code), message_(std::move(message)), param_(std::move(param)) {}

  [[nodiscard]] bool ok() const { return code_ == StatusCode::kOk; }
  [[nodiscard]] StatusCode code() const { return code_; }
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const std::string& param() const { return param_; }

 private:
  StatusCode code_ = StatusCode::kOk;
  std::string message_;
  std::string param_;
};

// Short form for the commonest refusal.
[[nodiscard]] Status invalid_argument(std::string param, std::string message);

// Thrown when an invariant of ours is broken. Caught at the engine loop, which fails the requests it concerns.
class InternalError : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

}  // namespace inferno
