#include "settings.hpp"

#include <cstdio>

#include "coterie/membership/node_meta.hpp"
#include "coterie/membership/serf.hpp"
#include "discovery.hpp"

namespace coterie {
namespace {

constexpr std::uint64_t min_history = 64 * 1024;  // else checkpoints are most of what is written
constexpr Duration max_read_lease = 500ms;        // below the silence after which a copy is dropped

}  // namespace

Status settle(Config& config) {
  if (config.name.empty() || config.name.size() > wire::max_name_bytes)
    return error(Errc::configuration, "a node's name has 1 to 255 bytes: set --name");
  if (!config.log)
    config.log = [name = config.name](LogLevel level, std::string_view line) {
      std::fprintf(stderr, "[%s] %s: %.*s\n", name.c_str(), std::string(to_string(level)).c_str(),
                   static_cast<int>(line.size()), line.data());
    };
  for (const auto& seed : config.join)
    if (const auto good = Discovery::check(seed); !good) return good.error();
  if (!config.dns.empty())
    if (const auto dns = parse_address(config.dns); !dns || dns->ip_size != 4)
      return error(Errc::configuration, "--dns takes an IPv4 address and a port");
  if (config.replicas < 1 || config.replicas > 5)
    return error(Errc::configuration, "--replicas takes 1 to 5 copies");
  if (config.replicas == 1) config.min_in_sync = 1;
  if (config.min_in_sync < 1 || config.min_in_sync > config.replicas)
    return error(Errc::configuration, "--min-in-sync takes 1 up to the number of --replicas");
  if (config.read_lease < 0ms || config.read_lease > max_read_lease)
    return error(Errc::configuration, "--read-lease takes 0 to 500 ms");
  if (config.keep_history != 0 && config.keep_history < min_history)
    return error(Errc::configuration, "--keep-history takes 0, or at least 64 KiB");
  if (config.weight > membership::max_weight)
    return error(Errc::configuration, "--weight takes 0 to 1000");
  if (config.zone.size() > membership::max_zone_bytes)
    return error(Errc::configuration, "--zone has at most 32 bytes");
  if (config.roles.size() > membership::max_roles)
    return error(Errc::configuration, "--role may be given 8 times");
  for (const auto& role : config.roles)
    if (role.empty() || role.size() > membership::max_role_bytes)
      return error(Errc::configuration, "--role has 1 to 16 bytes");
  if (const auto swim = swim_config(config); !swim) return swim.error();
  if (const auto meta = foreign_meta(config); meta && meta->size() > wire::max_meta_bytes)
    return error(Errc::configuration, "the tags exceed 512 bytes: give fewer or shorter --tag");
  return Done{};
}

Result<Ports> parse_ports(const Config& config) {
  Ports ports;
  for (const auto& [text, target] :
       {std::pair{&config.gossip, &ports.gossip}, std::pair{&config.link, &ports.link},
        std::pair{&config.management, &ports.management}}) {
    const auto address = parse_address(*text);
    if (!address) return address.error();
    if (address->is_unspecified() && config.advertise.empty())
      return error(Errc::configuration, "cannot advertise " + *text +
                                            ": peers need an address that reaches this node; give "
                                            "it with --advertise");
    *target = *address;
  }
  if (config.advertise.empty()) return ports;
  const auto advertised = parse_address(config.advertise);
  if (!advertised || advertised->is_unspecified())
    return error(Errc::configuration,
                 "bad value '" + config.advertise + "' for --advertise: write ADDRESS:PORT");
  return ports;
}

Address advertised(const Config& config, Address bound, bool gossip) {
  if (config.advertise.empty() || (!gossip && !bound.is_unspecified())) return bound;
  auto out = parse_address(config.advertise).value();
  if (!gossip || out.port == 0) out.port = bound.port;
  return out;
}

Result<membership::SwimConfig> swim_config(const Config& config) {
  auto swim = membership::swim_profile(config.profile);
  if (!swim)
    return error(Errc::configuration,
                 "unknown profile '" + config.profile + "': write --profile lan, wan or local");
  if (config.label.size() > wire::max_label_bytes)
    return error(Errc::configuration, "--label has at most 255 bytes");
  swim->packet.rules.label = config.label;
  swim->packet.rules.verify_incoming = config.verify_incoming;
  swim->packet.rules.verify_outgoing = config.verify_outgoing;
  swim->packet.serf = config.pool == "serf";
  swim->packet.events = config.pool != "memberlist";
  if (swim->packet.serf) swim->packet.versions = {1, 5, 2, 2, 5, 4};  // as a Serf library
  for (const auto& text : config.keys) {
    auto key = wire::key_from_base64(text);
    if (!key) return error(Errc::configuration, "bad value for --key: " + key.error().detail);
    swim->packet.keys.push_back(std::move(*key));
  }
  if (const auto ring = wire::Keyring::from(swim->packet.keys); !ring) return ring.error();
  return std::move(*swim);
}

std::optional<Bytes> foreign_meta(const Config& config) {
  if (config.pool == "native") return std::nullopt;
  if (config.pool == "memberlist") return Bytes{};
  std::map<std::string, std::string> tags;
  for (const auto& tag : config.tags)
    tags[tag.substr(0, tag.find('='))] = tag.substr(tag.find('=') + 1);
  return membership::SerfLayer::encode_tags(tags);
}

}  // namespace coterie
