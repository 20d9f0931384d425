/// A map of values that merge themselves: a key is there as OrSet has it, and its value is the
/// merge of all that was written to it, so a value written while another replica removes its key
/// stays. A removed value is kept, unseen, so that a key that comes back does not fall behind.
/// Source: Almeida, Shoker, Baquero, JPDC 2018, section 7.4. Thread-safety: a value; one owner.
#pragma once

#include <map>

#include "coterie/gossip/crdt/or_set.hpp"

namespace coterie::gossip {

template <class K, class V>
class OrMap {
 public:
  /// `change(V&)` changes the value and returns its delta; returns the map's delta.
  template <class F>
  OrMap update(const Replica& self, const K& key, F change) {
    OrMap delta;
    delta.keys_ = keys_.add(self, key);
    delta.values_[key] = change(values_[key]);
    return delta;
  }
  OrMap remove(const K& key) {
    OrMap delta;
    delta.keys_ = keys_.remove(key);
    return delta;
  }
  void merge(const OrMap& other) {
    keys_.merge(other.keys_);
    for (const auto& [key, value] : other.values_) values_[key].merge(value);
  }
  [[nodiscard]] const V* find(const K& key) const {
    const auto found = values_.find(key);
    return keys_.contains(key) && found != values_.end() ? &found->second : nullptr;
  }
  [[nodiscard]] std::set<K> keys() const { return keys_.value(); }
  [[nodiscard]] const OrSet<K>& key_set() const { return keys_; }
  [[nodiscard]] const std::map<K, V>& values() const { return values_; }
  [[nodiscard]] static OrMap from(OrSet<K> keys, std::map<K, V> values) {
    OrMap map;
    map.keys_ = std::move(keys);
    map.values_ = std::move(values);
    return map;
  }
  friend bool operator==(const OrMap&, const OrMap&) = default;

 private:
  OrSet<K> keys_{};
  std::map<K, V> values_{};
};

}  // namespace coterie::gossip
