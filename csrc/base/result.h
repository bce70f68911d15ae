// Result<T>: a value or the Status that says why there is none. (C++20 has no std::expected.)
#pragma once

#include <utility>
#include <variant>

#include "base/status.h"

namespace inferno {

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  // A Result built from a Status must not be ok: there would be no value.
  Result(Status status) : state_(std::move(status)) {
    if (std::get<Status>(state_).ok()) throw InternalError("Result built from an ok Status");
  }

  [[nodiscard]] bool ok() const { return std::holds_alternative<T>(state_); }

  // Throws InternalError when there is no value: asking is the caller's bug.
  [[nodiscard]] T& value() & {
    if (!ok()) throw InternalError("Result has no value: " + std::get<Status>(state_).message());
    return std::get<T>(state_);
  }
  [[nodiscard]] const T& value() const& { return const_cast<Result&>(*this).value(); }
  [[nodiscard]] T&& value() && { return std::move(value()); }

  [[nodiscard]] Status status() const { return ok() ? Status() : std::get<Status>(state_); }

 private:
  std::variant<T, Status> state_;
};

}  // namespace inferno
