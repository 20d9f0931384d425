/// State that all members of a native pool share without asking anybody: each may change it at any
/// time, also while it is cut off, and all end with the same (delta CRDTs, docs/GLOSSARY.md). It
/// lives as long as one member does; what must never be lost belongs into an entity.
///
/// A value has a name and a kind: values of different kinds under one name are different values.
/// Names, items, fields and texts have together at most max_shared bytes. A change is seen by reads
/// of its own member a moment later, elsewhere within a second or so; PoolEvents tells of each as
/// SharedEvent. Thread-safety: every function may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coterie/core/result.hpp"

namespace coterie {

namespace gossip {
struct SharedChange;
}
class PoolBridge;

inline constexpr std::size_t max_shared = 640;

class Shared {
 public:
  /// A counter that goes up and down.
  Status add(const std::string& name, std::int64_t amount);
  [[nodiscard]] std::int64_t count(const std::string& name) const;
  /// A counter that only grows: nothing can take away from it.
  Status grow(const std::string& name, std::uint64_t amount);
  [[nodiscard]] std::uint64_t grown(const std::string& name) const;
  /// A text; of two at once, the later one wins everywhere.
  Status set(const std::string& name, const std::string& value);
  [[nodiscard]] std::string text(const std::string& name) const;
  /// A set; who adds wins over who removes at the same time.
  Status insert(const std::string& name, const std::string& item);
  Status remove(const std::string& name, const std::string& item);
  [[nodiscard]] std::vector<std::string> items(const std::string& name) const;
  /// A map of texts.
  Status put(const std::string& name, const std::string& field, const std::string& value);
  Status erase(const std::string& name, const std::string& field);
  [[nodiscard]] std::map<std::string, std::string> fields(const std::string& name) const;

  using Submit = std::function<Status(gossip::SharedChange)>;
  /// Node::shared() and Membership::shared() make them.
  Shared(std::shared_ptr<const PoolBridge> bridge, Submit submit)
      : bridge_(std::move(bridge)), submit_(std::move(submit)) {}

 private:
  Status submit(gossip::SharedChange change);
  std::shared_ptr<const PoolBridge> bridge_;
  Submit submit_;
};

}  // namespace coterie
