/// Open addressing from a 64-bit hash to a 32-bit slab index, linear probing, backward-shift
/// deletion. Several entries may share a hash: the caller's predicate tells them apart. 44-54 ns a
/// lookup at a million entries where a node map takes 155 (docs/BENCHMARKS.md). Iteration is not
/// offered: its order would break replay. Thread-safety: one owner.
#pragma once

#include <cstdint>
#include <vector>

namespace coterie {

class FlatIndex {
 public:
  static constexpr std::uint32_t none = UINT32_MAX;

  FlatIndex() : cells_(16) {}

  /// The first value under `hash` for which `matches(value)`; `none` if there is none.
  template <class Matches>
  [[nodiscard]] std::uint32_t find(std::uint64_t hash, Matches matches) const {
    for (auto at = hash & mask();; at = (at + 1) & mask()) {
      const auto& cell = cells_[at];
      if (cell.value == none) return none;
      if (cell.hash == hash && matches(cell.value)) return cell.value;
    }
  }

  void insert(std::uint64_t hash, std::uint32_t value) {
    if ((size_ + 1) * 8 > cells_.size() * 5) grow();
    place(hash, value);
    ++size_;
  }

  void erase(std::uint64_t hash, std::uint32_t value) {
    auto at = hash & mask();
    while (cells_[at].value != none && (cells_[at].hash != hash || cells_[at].value != value))
      at = (at + 1) & mask();
    if (cells_[at].value == none) return;
    --size_;
    for (auto hole = at;;) {
      at = (at + 1) & mask();
      if (cells_[at].value == none) return void(cells_[hole] = Cell{});
      const auto home = cells_[at].hash & mask();
      const bool movable = ((at - home) & mask()) >= ((at - hole) & mask());
      if (movable) {
        cells_[hole] = cells_[at];
        hole = at;
      }
    }
  }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  struct Cell {
    std::uint64_t hash = 0;
    std::uint32_t value = none;
  };
  [[nodiscard]] std::uint64_t mask() const { return cells_.size() - 1; }
  void place(std::uint64_t hash, std::uint32_t value) {
    auto at = hash & mask();
    while (cells_[at].value != none) at = (at + 1) & mask();
    cells_[at] = {hash, value};
  }
  void grow() {
    std::vector<Cell> old(cells_.size() * 2);
    old.swap(cells_);
    for (const auto& cell : old)
      if (cell.value != none) place(cell.hash, cell.value);
  }

  std::vector<Cell> cells_;
  std::size_t size_ = 0;
};

}  // namespace coterie
