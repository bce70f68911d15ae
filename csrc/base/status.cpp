#include "base/status.h"

namespace inferno {

std::string_view status_code_name(StatusCode code) {
  switch (code) {
    case StatusCode::kOk: return "ok";
    case StatusCode::kInvalidArgument: return "invalid_argument";
    case StatusCode::kContextLengthExceeded: return "context_length_exceeded";
    case StatusCode::kNotFound: return "not_found";
    case StatusCode::kUnsupported: return "unsupported";
    case StatusCode::kQueueFull: return "queue_full";
    case StatusCode::kUnavailable: return "unavailable";
    case StatusCode::kCancelled: return "cancelled";
    case StatusCode::kDeadlineExceeded: return "deadline_exceeded";
    case StatusCode::kOutOfMemory: return "out_of_memory";
    case StatusCode::kDataCorrupted: return "data_corrupted";
    case StatusCode::kInternal: return "internal";
  }
  return "internal";
}

Status invalid_argument(std::string param, std::string message) {
  return Status(StatusCode::kInvalidArgument, std::move(message), std::move(param));
}

}  // namespace inferno
