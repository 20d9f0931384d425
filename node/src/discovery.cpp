#include "discovery.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <thread>

#include "dns.hpp"

namespace coterie {
namespace {

constexpr std::string_view file_prefix = "file:";
constexpr std::string_view srv_prefix = "srv:";

struct NamePort {
  std::string name{};
  std::uint16_t port{};
};

std::optional<NamePort> split(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon == std::string::npos || colon == 0) return std::nullopt;
  NamePort out{text.substr(0, colon)};
  const auto* end = text.data() + text.size();
  const auto [stopped, problem] = std::from_chars(text.data() + colon + 1, end, out.port);
  if (problem != std::errc{} || stopped != end || out.port == 0) return std::nullopt;
  return out;
}

void append(std::vector<Address>& out, const std::vector<Address>& more) {
  out.insert(out.end(), more.begin(), more.end());
}

/// An address or NAME:PORT.
std::vector<Address> one(const std::string& text, const std::optional<Address>& dns) {
  if (const auto literal = parse_address(text)) return {*literal};
  const auto name = split(text);
  return name ? look_up(name->name, name->port, dns) : std::vector<Address>{};
}

std::vector<Address> addresses_of(const std::string& source, const std::optional<Address>& dns) {
  if (source.starts_with(srv_prefix))
    return look_up_services(source.substr(srv_prefix.size()), dns);
  if (!source.starts_with(file_prefix)) return one(source, dns);
  std::vector<Address> out;
  std::ifstream file(source.substr(file_prefix.size()));
  for (std::string line; out.size() < max_seeds && std::getline(file, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    line.erase(std::min(line.size(), line.find_first_of(" \t\r#")));
    if (!line.empty()) append(out, one(line, dns));
  }
  return out;
}

}  // namespace

struct Discovery::State {
  std::vector<std::string> sources;
  std::optional<Address> dns;
  LogSink log;
  std::mutex mutex{};
  std::condition_variable changed{};
  Found found;  ///< guarded by mutex; empty once stopped

  void run() {
    std::vector<Address> last;
    bool first = true;
    std::unique_lock lock(mutex);
    while (found) {
      lock.unlock();
      std::vector<Address> now;
      for (const auto& source : sources) append(now, addresses_of(source, dns));
      std::sort(now.begin(), now.end());
      now.erase(std::unique(now.begin(), now.end()), now.end());
      if (now.size() > max_seeds) now.resize(max_seeds);
      lock.lock();
      if (!found) return;
      if (now.empty() && first)
        log(LogLevel::warning, "--join names no address yet; trying again for ever");
      first = false;
      // A source that is gone for a while takes nothing away.
      if (now != last && !now.empty()) found(last = now);
      changed.wait_for(lock, discovery_interval, [&] { return !found; });
    }
  }
};

Discovery::Discovery(std::vector<std::string> sources, std::optional<Address> dns, Found found,
                     LogSink log)
    : state_(std::make_shared<State>()) {
  state_->sources = std::move(sources);
  state_->dns = dns;
  state_->log = std::move(log);
  state_->found = std::move(found);
  // Detached: a lookup may take seconds, and nothing is left for it to touch but its own state.
  std::thread([state = state_] { state->run(); }).detach();
}

Discovery::~Discovery() {
  const std::lock_guard lock(state_->mutex);
  state_->found = {};
  state_->log = [](LogLevel, std::string_view) {};
  state_->changed.notify_all();
}

bool Discovery::is_literal(const std::string& source) { return parse_address(source).has_value(); }

Status Discovery::check(const std::string& source) {
  const bool file = source.starts_with(file_prefix) && source.size() > file_prefix.size();
  const bool srv = source.starts_with(srv_prefix) && source.size() > srv_prefix.size();
  if (file || srv || is_literal(source) || split(source)) return Done{};
  return error(Errc::configuration, "bad value '" + source +
                                        "' for --join: write ADDRESS:PORT, NAME:PORT, srv:NAME or "
                                        "file:PATH");
}

}  // namespace coterie
