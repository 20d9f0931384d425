/// Plays a node's recording (Config::record) to cores made in the same way, and tells whether every
/// input had the same effects: what a node did can be run again under a debugger. A `decide` that
/// reads a clock, a random number or a global shows here. Thread-safety: one owner.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "coterie/core/result.hpp"
#include "coterie/entity.hpp"

namespace coterie {

struct ReplaySummary {
  std::size_t tapes{};          ///< one a worker and life
  std::uint64_t inputs{};       ///< played
  std::size_t cut{};            ///< tapes that end early because their process was killed
  std::uint64_t effect_hash{};  ///< of all tapes, by name
  std::string divergence{};     ///< the first input with another effect; empty = none
};

class Replay {
 public:
  /// `directory` holds tapes of this build of the program.
  explicit Replay(std::string directory) : directory_(std::move(directory)) {}

  /// The entity types that the recorded node had.
  template <class E>
  void entities(const std::string& name) {
    types_.push_back(face::erase<E>(name, type_id(name)));
  }
  /// An error: no tape is there, or one cannot be read.
  [[nodiscard]] Result<ReplaySummary> run() const;

 private:
  static EntityTypeId type_id(const std::string& name);
  std::string directory_;
  std::vector<sharding::EntityType> types_{};
};

}  // namespace coterie
