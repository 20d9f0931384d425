#include "coterie/sim/data_worker.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::sim {
namespace {

std::int64_t& balance(void* state) { return *static_cast<std::int64_t*>(state); }

void handle(void* state, std::uint8_t tag, ByteView payload, sharding::Outcome& out) {
  wire::MsgpackReader in(payload);
  const auto cents = in.signed_integer();
  if (!in.ok() || tag > 1) return;
  out.kind = sharding::Outcome::Kind::replied;
  if (tag == 0) {
    out.kind = sharding::Outcome::Kind::persisted;
    out.events.push_back({0, to_bytes(payload)});
    balance(state) += cents;
  }
  wire::MsgpackWriter(out.reply).signed_integer(balance(state));
}

bool evolve(void* state, std::uint8_t, ByteView event) {
  wire::MsgpackReader in(event);
  balance(state) += in.signed_integer();
  return in.ok();
}

bool save(const void* state, Bytes& out) {
  wire::MsgpackWriter(out).signed_integer(*static_cast<const std::int64_t*>(state));
  return true;
}

bool load(void* state, std::uint16_t, ByteView bytes) {
  wire::MsgpackReader in(bytes);
  balance(state) = in.signed_integer();
  return in.ok();
}

sharding::EntityType account(std::string name, bool remember) {
  const auto id = sharding::entity_type_id(name);
  return {.name = std::move(name),
          .id = id,
          .snapshot_every = 5,
          .remember = remember,
          .create = +[]() -> void* { return new std::int64_t(0); },
          .destroy = +[](void* state) { delete static_cast<std::int64_t*>(state); },
          .handle = &handle,
          .evolve = &evolve,
          .save = &save,
          .load = &load};
}

}  // namespace

const std::vector<sharding::EntityType>& account_types() {
  static const std::vector<sharding::EntityType> types{account("account", false),
                                                       account("remembered account", true)};
  return types;
}

const sharding::EntityType& account_type_of(std::string_view account) {
  return account_types()[account.starts_with(remembered_prefix) ? 1 : 0];
}

}  // namespace coterie::sim
