/// Log events as values and the sink they end in. Cores return log events as effects; shells write
/// them here. Thread-safety: a sink is called from several threads and must cope with that.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace coterie {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogEvent {
  LogLevel level = LogLevel::info;
  std::string text{};
  friend bool operator==(const LogEvent&, const LogEvent&) = default;
};

using LogSink = std::function<void(LogLevel, std::string_view text)>;

[[nodiscard]] std::string_view to_string(LogLevel level);

}  // namespace coterie
