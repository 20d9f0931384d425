/// A pool of Swim cores with a perfect network, for the tests of this room.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "coterie/membership/swim.hpp"
#include "ground.hpp"

namespace coterie::membership {

/// A pool of Swim cores with a perfect network, virtual time and a switch for each member.
class Pool {
 public:
  explicit Pool(std::size_t size, SwimConfig config = {}, Bytes meta = {})
      : config_(config), meta_(std::move(meta)) {
    for (std::size_t i = 0; i < size; ++i) add("n" + std::to_string(i));
    for (std::size_t i = 1; i < size; ++i) run(nodes_[i], nodes_[i].swim->join({at(1000)}, now));
  }
  struct Node {
    std::unique_ptr<Swim> swim;
    bool up = true;
    std::vector<MemberChanged> changes;
    bool left = false;
  };
  Node& add(const std::string& name) {
    const auto port = static_cast<std::uint16_t>(1000 + nodes_.size());
    nodes_.push_back({std::make_unique<Swim>(config_, name, at(port), meta_, Random(port), now),
                      true,
                      {},
                      false});
    return nodes_.back();
  }
  void restart(std::size_t i) {
    const auto name = nodes_[i].swim->self().name;
    const auto port = nodes_[i].swim->self().gossip.port;
    nodes_[i].swim =
        std::make_unique<Swim>(config_, name, at(port), Bytes{1}, Random(port + 77u), now);
    nodes_[i].up = true;
    nodes_[i].left = false;
    run(nodes_[i], nodes_[i].swim->join({at(i == 0 ? 1001 : 1000)}, now));
  }
  /// Jumps from deadline to deadline until `done` or `limit` has passed.
  bool run_until(const std::function<bool()>& done, Duration limit) {
    const auto end = now + limit;
    while (!done()) {
      auto next = end;
      for (const auto& node : nodes_)
        if (node.up) next = earliest(next, node.swim->next_deadline());
      if (next >= end) return now = end, done();
      now = std::max(now, next);
      for (auto& node : nodes_)
        if (node.up) run(node, node.swim->tick(now));
    }
    return true;
  }
  bool everyone_sees(const std::string& name, MemberState state) {
    for (const auto& node : nodes_) {
      if (!node.up || node.swim->self().name == name) continue;
      const auto* const found = node.swim->members().find(name);
      if (found == nullptr || found->state != state) return false;
    }
    return true;
  }
  bool all_alive() {
    for (const auto& node : nodes_)
      if (node.up && !everyone_sees(node.swim->self().name, MemberState::alive)) return false;
    return true;
  }
  void run(Node& from, SwimEffects effects) {
    for (auto& effect : effects) {
      if (auto* send = std::get_if<SendDatagram>(&effect)) {
        if (auto* to = find(send->to))
          run(*to, to->swim->receive(from.swim->self().gossip, send->bytes, now));
      } else if (auto* open = std::get_if<OpenStream>(&effect)) {
        exchange(from, *open);
      } else if (auto* changed = std::get_if<MemberChanged>(&effect)) {
        from.changes.push_back(*changed);
      } else if (std::holds_alternative<LeaveFinished>(effect)) {
        from.left = true;
      }
    }
  }
  Instant now{1'000'000'000};
  std::deque<Node> nodes_;

 private:
  Node* find(const Address& address) {
    for (auto& node : nodes_)
      if (node.up && node.swim->self().gossip == address) return &node;
    return nullptr;
  }
  void exchange(Node& from, const OpenStream& open) {
    auto* to = find(open.to);
    if (to == nullptr) return run(from, from.swim->stream_closed(open.stream, now));
    const ConnId inbound{++streams_};
    run(*to, to->swim->stream_accepted(inbound, now));
    auto answer = to->swim->stream_received(inbound, open.bytes, now);
    Bytes reply;
    for (const auto& effect : answer)
      if (const auto* write = std::get_if<WriteStream>(&effect)) append(reply, write->bytes);
    run(*to, std::move(answer));
    if (!reply.empty()) run(from, from.swim->stream_received(open.stream, reply, now));
    run(from, from.swim->stream_closed(open.stream, now));
  }
  SwimConfig config_;
  Bytes meta_;
  std::uint64_t streams_ = 0;
};

}  // namespace coterie::membership
