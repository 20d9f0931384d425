/// Lanes: one TCP connection per pair of workers, as a value. The node with the smaller name dials;
/// frames go both ways. Messages are appended to a lane's staging buffer and leave as one write at
/// the end of the batch; while a write is in flight the next batch gathers behind it, so the
/// staging buffer *is* the bounded send queue.
///
///   auto rest = bytes;
///   while (auto frame = links.next_frame(conn, rest, now, effects)) handle(*frame);   // rest:
///   keep for the next read
///
/// Invariants: nothing but the handshake crosses a lane before both sides agreed on version and
/// cluster; a lane holds at most the configured messages and bytes; a lane has at most one
/// connection. Thread-safety: one owner; no clock, socket or thread inside.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "coterie/core/random.hpp"
#include "coterie/core/time.hpp"
#include "coterie/messaging/handshake.hpp"
#include "coterie/messaging/link_effects.hpp"
#include "coterie/wire/frame.hpp"

namespace coterie::messaging {

struct LinkConfig {
  std::size_t queue_messages = 65'536;         ///< staged on one lane; more is `busy`
  std::size_t queue_bytes = 16 * 1024 * 1024;  ///< staged on one lane; more is `busy`
  Duration reconnect_first = 50ms;             ///< pause after a failed dial
  Duration reconnect_limit = 1s;               ///< it doubles up to here
  Duration handshake_timeout = 2s;             ///< dial to welcome
  Duration write_timeout = 30s;                ///< one write; a peer that takes longer is cut off
};

/// Connections that have not said who they are; more are closed at once.
inline constexpr std::size_t max_strangers = 64;
/// Lanes of one worker, lost ones included: 256 peers with 16 workers each.
inline constexpr std::size_t max_lanes = 4096;

struct LinkCounters {
  std::uint64_t frames_in{}, frames_out{}, bytes_in{}, bytes_out{};
  std::uint64_t malformed{};   ///< connections closed for bytes that are no frame
  std::uint64_t refused{};     ///< handshakes refused: version, cluster, entity types
  std::uint64_t over_limit{};  ///< messages refused by a full lane, strangers beyond the bound
  std::uint64_t reconnects{};
  friend bool operator==(const LinkCounters&, const LinkCounters&) = default;
};

struct Frame {
  LaneId lane{};
  wire::FrameKind kind = wire::FrameKind::request;
  ByteView bytes{};  ///< the whole frame, prefix included; valid until the next call
};

class Links {
 public:
  /// `self.to_worker` is ignored; `self.from_worker` is the worker this core belongs to.
  Links(LinkConfig config, Hello self, Random random);

  void set_cluster(const ClusterId& cluster) { self_.cluster = cluster; }
  /// Keep lanes to these workers of `peer`; the smaller name dials `address`.
  /// `start`: the peer's life; a connection to an earlier one is closed.
  void peer_up(const std::string& peer, const Address& address, StartId start,
               const std::vector<std::uint16_t>& workers, Instant now, LinkEffects& out);
  /// Dead or left: do not dial any more. A live connection stays until it breaks.
  void peer_down(const std::string& peer, LinkEffects& out);

  /// Inputs from the shell.
  void accepted(ConnId conn, Instant now, LinkEffects& out);
  void connected(ConnId conn, LinkEffects& out);
  void closed(ConnId conn, Instant now, LinkEffects& out);
  void written(ConnId conn);
  /// Takes one frame off the front of `rest`; nullopt when none is whole or the connection is gone.
  /// Handshake frames are consumed inside.
  [[nodiscard]] std::optional<Frame> next_frame(ConnId conn, ByteView& rest, Instant now,
                                                LinkEffects& out);

  /// Staging space for one message of `bytes`; nullptr if the lane is down or full. Append exactly
  /// one frame to it.
  [[nodiscard]] Bytes* stage(LaneId lane, std::size_t bytes);
  /// A frame of this kind and body; false if the lane is down or full.
  bool stage_control(LaneId lane, wire::FrameKind kind, ByteView body);
  [[nodiscard]] bool is_up(LaneId lane) const { return lane < lanes_.size() && lanes_[lane].up; }
  /// Wanted and never up so far: it is being connected for the first time. A lane that was lost is
  /// not.
  [[nodiscard]] bool awaits_first_connection(LaneId lane) const {
    return lane < lanes_.size() && lanes_[lane].wanted && !lanes_[lane].was_up;
  }
  /// Of a connection that is one's; else no_lane.
  [[nodiscard]] LaneId lane_of(ConnId conn) const {
    const auto found = connections_.find(conn);
    return found == connections_.end() ? no_lane : found->second.lane;
  }
  [[nodiscard]] LaneId lane_to(const std::string& peer, std::uint16_t worker) const;
  /// The node at its other end; empty: no such lane.
  [[nodiscard]] std::string_view peer_of(LaneId lane) const {
    return lane < lanes_.size() ? std::string_view(lanes_[lane].peer) : std::string_view();
  }
  /// Replies that wait for a slow reader fill its lane; the shell stops reading from it meanwhile.
  [[nodiscard]] bool congested(ConnId conn) const;
  /// One Write for each lane with staged messages and no write in flight.
  void flush(Instant now, LinkEffects& out);
  void tick(Instant now, LinkEffects& out);
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] const LinkCounters& counters() const { return counters_; }

 private:
  enum class Phase : std::uint8_t { dialling, hello_sent, stranger, ready };
  struct Connection {
    Phase phase = Phase::stranger;
    LaneId lane = no_lane;
    Instant handshake_until{};
  };
  struct Lane {
    std::string peer{};
    std::uint16_t worker{};
    Address address{};
    bool wanted = false;
    bool dials = false;
    bool up = false;
    bool was_up = false;
    bool writing = false;
    Instant write_until{};
    ConnId conn{};
    StartId start{};  ///< the life of the peer that the connection belongs to
    Instant dial_at = never;
    Duration pause{};
    Bytes staging{};
    std::size_t staged_messages = 0;
  };

  LaneId lane_for(const std::string& peer, std::uint16_t worker);
  void dial(LaneId id, Instant now, LinkEffects& out);
  void drop(ConnId conn, Instant now, LinkEffects& out);
  void lane_down(LaneId id, Instant now, LinkEffects& out);
  void refuse(ConnId conn, Errc code, const std::string& detail, Instant now, LinkEffects& out);
  bool on_hello(ConnId conn, const Hello& hello, Instant now, LinkEffects& out);
  void on_welcome(ConnId conn, const Hello& welcome, Instant now, LinkEffects& out);
  void make_ready(ConnId conn, LaneId lane, const Hello& other, LinkEffects& out);
  [[nodiscard]] std::optional<Refuse> judge(const Hello& other) const;
  [[nodiscard]] Bytes handshake_frame(wire::FrameKind kind, std::uint16_t to_worker) const;
  std::optional<Frame> take_frame(ConnId id, Connection& conn, ByteView frame, wire::FrameKind kind,
                                  Instant now, LinkEffects& out);

  LinkConfig config_;
  Hello self_;
  Random random_;
  std::vector<Lane> lanes_{};
  std::map<std::pair<std::string, std::uint16_t>, LaneId> by_peer_{};
  std::map<ConnId, Connection> connections_{};
  std::uint64_t next_conn_ = 1;
  LinkCounters counters_{};
};

}  // namespace coterie::messaging
