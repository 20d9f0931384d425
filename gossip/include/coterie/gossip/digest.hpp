/// Anti-entropy by summary: two members that hold the same facts find that out in a kilobyte, and
/// exchange only the parts in which they differ. A fact is a name and a version; each of 256 parts,
/// chosen by the name's hash, is the exclusive or of the hashes of its facts, so the order in which
/// facts came does not matter. After Demers and others, "Epidemic algorithms for replicated
/// database maintenance", PODC 1987, section 1.3 (checksums): a Merkle tree of one level.
/// Thread-safety: a value.
#pragma once

#include <string_view>

#include "coterie/wire/native_messages.hpp"

namespace coterie::gossip {

class Digest {
 public:
  Digest() = default;
  explicit Digest(const wire::DigestParts& parts) : parts_(parts) {}

  void add(std::string_view name, std::uint64_t version);
  [[nodiscard]] static std::size_t part_of(std::string_view name);
  [[nodiscard]] const wire::DigestParts& parts() const { return parts_; }
  /// In which parts the two differ.
  [[nodiscard]] wire::PartSet operator-(const Digest& other) const;

 private:
  wire::DigestParts parts_{};
};

}  // namespace coterie::gossip
