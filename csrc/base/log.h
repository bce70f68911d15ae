// Log lines go to one sink, which the embedding program installs (Python's logging). Without a sink they are dropped.
// Prompt or output text is never logged.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace inferno {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

using LogSink = std::function<void(LogLevel, std::string_view component, std::string_view message)>;

// Thread-safe. Replaces the sink; an empty function removes it and waits for calls in flight to end.
void set_log_sink(LogSink sink);

// Thread-safe; may be called from any thread. The sink must not call back into log().
void log(LogLevel level, std::string_view component, std::string_view message);

}  // namespace inferno
