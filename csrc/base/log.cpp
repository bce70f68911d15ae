#include "base/log.h"

#include <mutex>
#include <shared_mutex>

namespace inferno {
namespace {

struct SinkHolder {
  std::shared_mutex mutex;
  LogSink sink;
};

// Leaked on purpose: backends may log while static objects are being destroyed.
SinkHolder& holder() {
  static auto* instance = new SinkHolder;
  return *instance;
}

}  // namespace

void set_log_sink(LogSink sink) {
  std::unique_lock lock(holder().mutex);
  holder().sink = std::move(sink);
}

void log(LogLevel level, std::string_view component, std::string_view message) {
  std::shared_lock lock(holder().mutex);
  if (holder().sink) holder().sink(level, component, message);
}

}  // namespace inferno
