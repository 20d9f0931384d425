#include "coterie/membership/node_meta.hpp"

#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::membership {
namespace {

constexpr std::uint32_t fields = 10;  // of the first version
constexpr std::uint32_t own_fields = 15;
constexpr std::uint32_t max_fields = 64;  // room for newer versions

}  // namespace

Bytes encode(const NodeMeta& meta) {
  Bytes bytes{wire::native_mark};
  wire::MsgpackWriter out(bytes);
  out.array(own_fields);
  out.bin(meta.link.ip_bytes());
  out.unsigned_integer(meta.link.port);
  out.bin(meta.management.ip_bytes());
  out.unsigned_integer(meta.management.port);
  out.unsigned_integer(meta.data_workers);
  out.boolean(meta.leads_registers);
  out.unsigned_integer(meta.start.value);
  out.unsigned_integer(meta.cluster.high);
  out.unsigned_integer(meta.cluster.low);
  out.unsigned_integer(meta.entity_types);
  out.unsigned_integer(meta.details);
  out.unsigned_integer(meta.disk);
  out.unsigned_integer(meta.traits.weight);
  out.str(meta.traits.zone);
  out.array(static_cast<std::uint32_t>(meta.traits.roles.size()));
  for (const auto& role : meta.traits.roles) out.str(role);
  return bytes;
}

std::optional<NodeMeta> decode_node_meta(ByteView bytes) {
  if (!is_native(bytes)) return std::nullopt;
  wire::MsgpackReader in(bytes.subspan(1));
  const auto size = in.array(max_fields);
  if (size < fields) return std::nullopt;
  NodeMeta meta;
  const auto link = in.bytes(16);
  meta.link = address_from(link, static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX)));
  const auto management = in.bytes(16);
  meta.management =
      address_from(management, static_cast<std::uint16_t>(in.unsigned_integer(UINT16_MAX)));
  meta.data_workers = static_cast<std::uint16_t>(in.unsigned_integer(max_data_workers));
  meta.leads_registers = in.boolean();
  meta.start = StartId{in.unsigned_integer()};
  meta.cluster.high = in.unsigned_integer();
  meta.cluster.low = in.unsigned_integer();
  meta.entity_types = in.unsigned_integer();
  if (size > fields) meta.details = in.unsigned_integer();
  if (size > fields + 1) meta.disk = in.unsigned_integer();
  if (size > fields + 2)
    meta.traits.weight = static_cast<std::uint32_t>(in.unsigned_integer(max_weight));
  if (size > fields + 3) meta.traits.zone = in.text(max_zone_bytes);
  if (size > fields + 4) {
    const auto roles = in.array(max_roles);
    for (std::uint32_t i = 0; i < roles && in.ok(); ++i)
      meta.traits.roles.emplace_back(in.text(max_role_bytes));
  }
  return in.ok() ? std::optional(meta) : std::nullopt;
}

}  // namespace coterie::membership
