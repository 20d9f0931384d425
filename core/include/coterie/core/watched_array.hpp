/// An array that knows which of its elements may have changed since they were last looked at, so
/// that what is derived from all of them costs as much as what changed. Thread-safety: one owner.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <vector>

namespace coterie {

template <class T, std::size_t Size>
class WatchedArray {
 public:
  /// Whoever may change an element is taken to have done so.
  [[nodiscard]] T& operator[](std::size_t i) {
    if (!touched_.test(i)) {
      touched_.set(i);
      order_.push_back(i);
    }
    return items_.at(i);
  }
  [[nodiscard]] const T& operator[](std::size_t i) const { return items_.at(i); }
  [[nodiscard]] static constexpr std::size_t size() { return Size; }

  /// Once for each element that was touched since the last call.
  template <class Look>
  void look(Look&& at) const {
    for (const auto i : order_) at(i, items_[i]);
    order_.clear();
    touched_.reset();
  }

 private:
  std::array<T, Size> items_{};
  mutable std::bitset<Size> touched_{};
  mutable std::vector<std::size_t> order_{};
};

}  // namespace coterie
