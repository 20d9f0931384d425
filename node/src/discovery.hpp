/// Where the pool may be: turns what --join says into addresses, again and again, on a thread of
/// its own, because a name server may be slow. Addresses, NAME:PORT, srv:NAME and file:PATH.
/// Decides nothing: whoever listens gets the list whenever it changed. Thread-safety: `found` is
/// called on the discovery thread, and not after the destructor began.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "coterie/core/address.hpp"
#include "coterie/core/log.hpp"

namespace coterie {

/// Seeds that are tried at once; a longer list is cut.
inline constexpr std::size_t max_seeds = 64;
/// Sources are looked at again after this long.
inline constexpr Duration discovery_interval = 2s;

class Discovery {
 public:
  using Found = std::function<void(std::vector<Address>)>;
  /// `dns`: the name server to ask; nothing = as the host does.
  Discovery(std::vector<std::string> sources, std::optional<Address> dns, Found found, LogSink log);
  /// Does not wait for a name server.
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  /// What is wrong with a source's form, before anything is looked up.
  [[nodiscard]] static Status check(const std::string& source);
  /// True if it is an address, which needs no thread.
  [[nodiscard]] static bool is_literal(const std::string& source);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace coterie
