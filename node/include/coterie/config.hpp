/// How a node is configured. Every field can be read aloud; `config_from` reads the flags that
/// every program on the library shares. Thread-safety: a value type.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "coterie/core/log.hpp"
#include "coterie/core/time.hpp"

namespace coterie {

struct Config {
  std::string name{};  ///< 1..255 bytes, unique in the cluster, the same for ever; required
  std::string gossip = "127.0.0.1:7946";      ///< UDP and TCP: membership
  std::string link = "127.0.0.1:7947";        ///< TCP: entity messages
  std::string management = "127.0.0.1:7948";  ///< HTTP: health, metrics, members, shards
  std::vector<std::string> join{};  ///< seeds: ADDRESS:PORT, NAME:PORT, srv:NAME, file:PATH (one a
                                    ///< line, watched); with any, this node never bootstraps
  std::string advertise{};  ///< gossip address that peers are told, if not the one that is bound
  std::string dns{};        ///< name server for `join`, ADDRESS:PORT; default: as the host does
  std::string data{};       ///< directory; default ./NAME.coterie; its parent must exist
  std::uint32_t bootstrap_expect =
      1;                          ///< live members that form a new cluster, if there is no --join
  std::uint16_t workers = 1;      ///< threads that own shards; 0 = one thread for everything
  std::uint32_t replicas = 3;     ///< copies of each shard, where there are as many nodes; 1 to 5
  std::uint32_t min_in_sync = 2;  ///< of them that must hold what is acknowledged; with fewer
                                  ///< nodes one less than there are copies, at least one
  std::uint32_t weight = 1;       ///< this node's share of the shards beside the others' weights, 0
                                  ///< (none) to 1000
  std::string zone{};             ///< copies of a shard are spread over zones; at most 32 bytes
  std::vector<std::string> roles{};  ///< at most 8, of at most 16 bytes each
  Duration read_lease{};  ///< at most 500 ms, the same on every node: so long a shard reads without
                          ///< asking its copies; 0 = it asks for every read
  /// Bytes of each shard's log that are kept at least; what is older is trimmed, once there is a
  /// snapshot of every entity. 0: all history is kept.
  std::uint64_t keep_history{};
  std::string shards_on{};  ///< only nodes with this role have shards; the same on every node
  Duration passivate_after = 60s;  ///< an idle entity gives its memory back
  std::uint64_t journal_map_bytes = std::uint64_t{64} << 30;  ///< the most the journal may grow to
  std::vector<std::string> keys{};  ///< gossip keys in base64, 16, 24 or 32 bytes; the first one
                                    ///< encrypts, all decrypt; none = plain text
  bool verify_incoming = true;  ///< with keys: plain text is refused; false while a pool migrates
  bool verify_outgoing = true;  ///< with keys: everything is encrypted; false while a pool migrates
  std::string label{};          ///< only gossip under the same label is heard; at most 255 bytes
  std::string pool =
      "native";  ///< "native", or a foreign pool to take part in: "memberlist", "serf"
  std::vector<std::string> tags{};  ///< "key=value", shown by Serf; with pool "serf" alone
  std::string profile = "lan";      ///< membership time-outs for a "lan", a "wan" or "local"
  std::string record{};  ///< directory for a recording of this node, for Replay; default: none
  LogSink log{};         ///< default: one line an event on stderr
};

/// A flag of the program's own beside the shared ones.
struct Flag {
  std::string name{};   ///< "--http"
  std::string value{};  ///< how the value is shown in --help: "H:P"
  std::string help{};
  std::string* target{};  ///< where the value goes
};

/// Reads the shared flags and `own`; prints help on --help, and on a mistake one line and exits
/// with 2.
[[nodiscard]] Config config_from(int argc, const char* const* argv,
                                 std::initializer_list<Flag> own = {});

}  // namespace coterie
