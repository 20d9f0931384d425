/// Opt-in: payloads declared with msgpack-c's MSGPACK_DEFINE. Packing is msgpack-c's; unpacking
/// builds the object tree with our own bounded reader, a few objects without an allocation, and no
/// zone: 10 times faster (docs/BENCHMARKS.md) and safe against hostile sizes. This header includes
/// msgpack-c, and with it Boost. Thread-safety: pure functions.
#pragma once

#include <algorithm>
#include <array>
#include <msgpack.hpp>
#include <vector>

#include "coterie/codec.hpp"

namespace coterie {

namespace payload {

struct Stream {
  Bytes& out;
  void write(const char* data, std::size_t size) {
    append(out, view(std::string_view(data, size)));
  }
};

/// How long something is once it is written.
struct Counter {
  std::size_t size = 0;
  void write(const char*, std::size_t more) { size += more; }
};

/// Objects in one payload; each costs 24 bytes while it is decoded, or, in small arrays beyond the
/// first, twice that.
inline constexpr std::size_t max_objects = 1 << 16;
/// Of these so many without an allocation: a command has a few fields.
inline constexpr std::size_t inline_objects = 16;

/// Reads one value into `root`; where children lie does not change while it lives.
class Tree {
 public:
  explicit Tree(ByteView bytes) : reader_(bytes) {}
  bool read(msgpack::object& root) {
    return read(root, wire::max_msgpack_depth) && reader_.at_end();
  }

 private:
  /// Each needs a byte at least: what is claimed beyond that is not there.
  msgpack::object* take(std::size_t count) {
    if (count > reader_.rest().size() || count > max_objects - taken_) return nullptr;
    taken_ += count;
    if (count > first_.size() - used_) return more_.emplace_back(count).data();
    used_ += count;
    return first_.data() + (used_ - count);
  }
  bool read(msgpack::object& o, int depth) {
    if (depth == 0) return false;
    const auto head = reader_.peek();
    if (head == 0xc0) {
      reader_.skip();
      o = msgpack::object();
    } else if (head == 0xc2 || head == 0xc3) {
      o.type = msgpack::type::BOOLEAN;
      o.via.boolean = reader_.boolean();
    } else if (head == 0xcb) {
      o.type = msgpack::type::FLOAT64;
      o.via.f64 = reader_.float64();
    } else if (head >= 0xe0 || (head >= 0xd0 && head <= 0xd3)) {
      const auto value = reader_.signed_integer();
      o.type = value < 0 ? msgpack::type::NEGATIVE_INTEGER : msgpack::type::POSITIVE_INTEGER;
      o.via.i64 = value;
    } else if (head < 0x80 || (head >= 0xcc && head <= 0xcf)) {
      o.type = msgpack::type::POSITIVE_INTEGER;
      o.via.u64 = reader_.unsigned_integer();
    } else if ((head & 0xf0) == 0x90 || head == 0xdc || head == 0xdd) {
      const auto size = reader_.array(max_objects);
      auto* items = take(size);
      if (items == nullptr) return false;
      o.type = msgpack::type::ARRAY;
      o.via.array = {size, items};
      for (std::uint32_t i = 0; i < size; ++i)
        if (!read(items[i], depth - 1)) return false;
    } else if ((head & 0xe0) == 0xa0 || (head >= 0xd9 && head <= 0xdb) ||
               (head >= 0xc4 && head <= 0xc6)) {
      const auto bytes = reader_.bytes(reader_.rest().size());
      const auto size = static_cast<std::uint32_t>(bytes.size());
      const auto* data = reinterpret_cast<const char*>(bytes.data());
      const bool bin = head >= 0xc4 && head <= 0xc6;
      o.type = bin ? msgpack::type::BIN : msgpack::type::STR;
      if (bin) o.via.bin = {size, data};
      else o.via.str = {size, data};
    } else {
      return false;  // maps and extensions: MSGPACK_DEFINE writes neither
    }
    return reader_.ok();
  }

  wire::MsgpackReader reader_;
  std::size_t taken_ = 0, used_ = 0;  ///< of all, of first_
  std::array<msgpack::object, inline_objects> first_{};
  std::vector<std::vector<msgpack::object>> more_{};
};

}  // namespace payload

template <class T>
concept MsgpackDefined = requires(const T& value, T& target,
                                  msgpack::packer<payload::Counter>& counts,
                                  msgpack::packer<payload::Stream>& packer,
                                  const msgpack::object& o) {
  value.msgpack_pack(counts);
  value.msgpack_pack(packer);
  target.msgpack_unpack(o);
};

template <MsgpackDefined T>
struct Codec<T> {
  static void encode(const T& value, Bytes& out) {
    // Counting costs little beside the allocations of a buffer that grows.
    payload::Counter counter;
    msgpack::packer<payload::Counter> counts(counter);
    value.msgpack_pack(counts);
    const auto wanted = out.size() + counter.size;
    if (wanted > out.capacity()) out.reserve(std::max(wanted, 2 * out.capacity()));
    payload::Stream stream{out};
    msgpack::packer<payload::Stream> packer(stream);
    value.msgpack_pack(packer);
  }
  static bool decode(ByteView bytes, T& value) {
    payload::Tree tree(bytes);
    msgpack::object root;
    if (!tree.read(root)) return false;
    try {
      value.msgpack_unpack(root);
      return true;
    } catch (const msgpack::type_error&) {
      return false;
    }
  }
};

}  // namespace coterie
