#include "coterie/wire/lzw.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace coterie::wire {
namespace {

constexpr std::uint32_t clear_code = 256;
constexpr std::uint32_t end_code = 257;
constexpr std::uint32_t first_width = 9;
constexpr std::uint32_t max_width = 12;
constexpr std::uint32_t max_code = (1 << max_width) - 1;
constexpr std::uint32_t no_code = UINT32_MAX;

/// How wide the next code is; the same arithmetic on both sides.
struct Widths {
  std::uint32_t highest = end_code;  ///< the newest code
  std::uint32_t width = first_width;
};

class Encoder {
 public:
  explicit Encoder(std::size_t size) { out_.reserve(size / 2 + 16), forget(); }

  Bytes run(ByteView input) {
    put(clear_code);
    auto prefix = no_code;
    for (const auto byte : input) {
      if (prefix == no_code) {
        prefix = byte;
        continue;
      }
      const auto key = prefix << 8 | byte;
      auto slot = place(key);
      if (table_[slot] != 0 && (table_[slot] >> max_width) == key) {
        prefix = table_[slot] & max_code;
        continue;
      }
      put(prefix);
      prefix = byte;
      if (grow()) table_[slot] = key << max_width | widths_.highest;
    }
    if (prefix != no_code) {
      put(prefix);
      (void)grow();
    }
    put(end_code);
    if (bits_ > 0) out_.push_back(static_cast<std::uint8_t>(pending_));
    return std::move(out_);
  }

 private:
  // Four times as many slots as codes; a zero slot is free, because no key is zero with a code of
  // zero.
  static constexpr std::size_t slots = std::size_t{1} << 14;

  [[nodiscard]] std::size_t place(std::uint32_t key) const {
    auto slot = (key * 2654435761u) >> 18;
    while (table_[slot] != 0 && (table_[slot] >> max_width) != key) slot = (slot + 1) % slots;
    return slot;
  }
  void put(std::uint32_t code) {
    pending_ |= code << bits_;
    for (bits_ += widths_.width; bits_ >= 8; bits_ -= 8, pending_ >>= 8)
      out_.push_back(static_cast<std::uint8_t>(pending_));
  }
  /// One more code; false if the table was full and begins anew.
  [[nodiscard]] bool grow() {
    ++widths_.highest;
    if (widths_.highest == 1u << widths_.width) ++widths_.width;
    if (widths_.highest < max_code) return true;
    put(clear_code);
    forget();
    return false;
  }
  void forget() {
    widths_ = {};
    table_.fill(0);
  }

  Bytes out_{};
  std::uint32_t pending_ = 0;
  std::uint32_t bits_ = 0;
  Widths widths_{};
  std::array<std::uint32_t, slots> table_{};  ///< (prefix, byte) and the code that stands for both
};

class Decoder {
 public:
  Decoder(ByteView input, std::size_t max) : input_(input), max_(max) {}

  std::optional<Bytes> run() {
    while (true) {
      const auto code = next();
      if (code == no_code) return std::nullopt;
      if (code == end_code) return std::move(out_);
      if (code == clear_code) {
        widths_ = {};
        last_ = no_code;
        continue;
      }
      if (!expand(code)) return std::nullopt;
      last_ = code;
      advance();
    }
  }

 private:
  std::uint32_t next() {
    while (bits_ < widths_.width) {
      if (at_ == input_.size()) return no_code;
      pending_ |= std::uint32_t{input_[at_++]} << bits_;
      bits_ += 8;
    }
    const auto code = pending_ & ((1u << widths_.width) - 1);
    pending_ >>= widths_.width;
    bits_ -= widths_.width;
    return code;
  }
  /// Appends what `code` stands for, and learns the code that the encoder made with it: the string
  /// before, and the first byte of this one, which lie side by side in the output.
  bool expand(std::uint32_t code) {
    if (code > widths_.highest) return false;
    const bool learned = code > end_code;
    if (learned && code == widths_.highest && last_ == no_code) return false;
    if (last_ != no_code) {
      from_[widths_.highest] = static_cast<std::uint32_t>(last_from_);
      size_[widths_.highest] = static_cast<std::uint32_t>(last_size_ + 1);
    }
    last_from_ = out_.size();
    last_size_ = learned ? size_[code] : 1;
    if (last_size_ > max_ - out_.size()) return false;
    if (!learned) return out_.push_back(static_cast<std::uint8_t>(code)), true;
    out_.resize(last_from_ + last_size_);
    const auto* source = out_.data() + from_[code];
    auto* target = out_.data() + last_from_;
    // The newest string ends with its own first byte: that byte is there once the others are.
    const auto whole = std::min(last_size_, last_from_ - from_[code]);
    std::memcpy(target, source, whole);
    if (whole < last_size_) target[whole] = source[whole];
    return true;
  }
  void advance() {
    ++widths_.highest;
    if (widths_.highest < 1u << widths_.width) return;
    if (widths_.width < max_width) return void(++widths_.width);
    last_ = no_code;  // full: nothing more is learned until the clear
    --widths_.highest;
  }

  ByteView input_;
  std::size_t max_;
  std::size_t at_ = 0;
  std::uint32_t pending_ = 0;
  std::uint32_t bits_ = 0;
  Widths widths_{};
  std::uint32_t last_ = no_code;
  std::size_t last_from_ = 0, last_size_ = 0;  ///< where the last string is in the output
  Bytes out_{};
  std::array<std::uint32_t, max_code + 1> from_{}, size_{};  ///< of each learned code's string
};

}  // namespace

Bytes lzw_compress(ByteView input) { return Encoder(input.size()).run(input); }

std::optional<Bytes> lzw_decompress(ByteView input, std::size_t max) {
  return Decoder(input, max).run();
}

}  // namespace coterie::wire
