/// From what a user writes to what the cores take; errors name the flag and the remedy.
/// Thread-safety: pure functions.
#pragma once

#include <optional>

#include "coterie/config.hpp"
#include "coterie/core/address.hpp"
#include "coterie/membership/swim_config.hpp"

namespace coterie {

/// The addresses a node binds; port 0 is resolved by binding.
struct Ports {
  Address gossip{};
  Address link{};
  Address management{};
};

/// Fills in what was left out of the membership settings and checks them.
[[nodiscard]] Status settle(Config& config);
[[nodiscard]] Result<Ports> parse_ports(const Config& config);
/// What peers are told: --advertise for gossip; its host for a port that is bound to every address.
[[nodiscard]] Address advertised(const Config& config, Address bound, bool gossip);
/// Time-outs, label and keys.
[[nodiscard]] Result<membership::SwimConfig> swim_config(const Config& config);
/// What a member of a foreign pool shows instead of our own metadata.
[[nodiscard]] std::optional<Bytes> foreign_meta(const Config& config);

/// Why this cannot be said to the pool.
[[nodiscard]] std::optional<Error> check_event(const Config& config, const std::string& name,
                                               const std::string& payload);
[[nodiscard]] std::optional<Error> check_query(const Config& config, const std::string& name,
                                               const std::string& payload);
[[nodiscard]] std::optional<Error> check_native(const Config& config);
[[nodiscard]] std::optional<Error> check_metadata(const Config& config,
                                                  const std::string& metadata);
[[nodiscard]] std::optional<Error> check_answer(const Config& config, const std::string& payload);

}  // namespace coterie
