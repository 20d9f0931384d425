#include "coterie/membership/packet_layer.hpp"

#include "coterie/wire/compound.hpp"

namespace coterie::membership {

namespace {

std::string remedy(wire::Refusal why) {
  switch (why) {
    case wire::Refusal::label:
    case wire::Refusal::plaintext:
    case wire::Refusal::key: return "; check --label and --key on both sides";
    case wire::Refusal::versions: return "; it belongs to another kind of pool";
    default: return "";
  }
}

}  // namespace

PacketLayer::PacketLayer(const PacketConfig& config, Random random)
    : rules_(config.rules), keys_(wire::Keyring::from(config.keys).value()), random_(random) {}

/// 96 random bits: a stream of our own generator under a seed of this process.
wire::Nonce PacketLayer::nonce() {
  wire::Nonce out{};
  store_le(out.data(), random_.next());
  store_le(out.data() + 8, static_cast<std::uint32_t>(random_.next()));
  return out;
}

std::size_t PacketLayer::budget(std::size_t packet_bytes) const {
  return packet_bytes - wire::packet_overhead(rules_, keys_) - wire::compound_overhead;
}

Bytes PacketLayer::close_datagram(Bytes message, bool checksum) {
  return wire::close_datagram(rules_, keys_, nonce(), std::move(message), checksum);
}

Bytes PacketLayer::close_stream(Bytes message, bool label) {
  return wire::close_stream(rules_, keys_, nonce(), std::move(message), label);
}

std::optional<LogEvent> PacketLayer::refused(wire::Refusal why, const std::string& from,
                                             Instant now) {
  ++refusals_;
  auto& quiet = quiet_[why];
  if (now < quiet.until) {
    ++quiet.suppressed;
    return std::nullopt;
  }
  const auto others = std::exchange(quiet.suppressed, 0);
  quiet.until = now + refusal_log_interval;
  return LogEvent{LogLevel::warning,
                  "gossip from " + from + " refused: " + std::string(wire::to_string(why)) +
                      (others > 0 ? "; and " + std::to_string(others) + " more before" : "") +
                      remedy(why)};
}

}  // namespace coterie::membership
