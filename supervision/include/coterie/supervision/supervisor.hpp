/// A supervisor as a value: children fail, effects say what to restart and when, or that the
/// failure goes up the tree. Strategies are OTP's: one_for_one restarts the failed child,
/// one_for_all every child, rest_for_one the failed one and those started after it. A tree is
/// supervisors whose `escalate` effect is the failure of a child one level up. Source: Erlang/OTP
/// design principles, "Supervisor Behaviour". Thread-safety: one owner; no clock inside.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "coterie/supervision/backoff.hpp"
#include "coterie/supervision/restart_intensity.hpp"

namespace coterie::supervision {

enum class Strategy : std::uint8_t { one_for_one, one_for_all, rest_for_one };

struct SupervisorConfig {
  Strategy strategy = Strategy::one_for_one;
  IntensityConfig intensity{};
  BackoffConfig backoff{};
};

/// Stop this child if it still runs: it restarts with its siblings.
struct StopChild {
  std::string child{};
  friend bool operator==(const StopChild&, const StopChild&) = default;
};
struct StartChild {
  std::string child{};
  friend bool operator==(const StartChild&, const StartChild&) = default;
};
/// Too many restarts: the parent decides.
struct Escalate {
  std::string child{};
  std::string reason{};
  friend bool operator==(const Escalate&, const Escalate&) = default;
};
using SupervisorEffect = std::variant<StopChild, StartChild, Escalate>;
using SupervisorEffects = std::vector<SupervisorEffect>;

class Supervisor {
 public:
  Supervisor(SupervisorConfig config, std::vector<std::string> children, Random random);

  [[nodiscard]] SupervisorEffects child_failed(const std::string& child, const std::string& reason,
                                               Instant now);
  /// Starts what its back-off held back; extra calls are no-ops.
  [[nodiscard]] SupervisorEffects tick(Instant now);
  [[nodiscard]] Instant next_deadline() const;
  [[nodiscard]] std::uint64_t restarts() const { return restarts_; }

 private:
  struct Child {
    std::string name{};
    Instant start_at = never;  ///< never: running
  };
  SupervisorConfig config_;
  std::vector<Child> children_{};  ///< in start order
  RestartIntensity intensity_;
  Backoff backoff_;
  Random random_;
  std::uint64_t restarts_ = 0;
};

}  // namespace coterie::supervision
