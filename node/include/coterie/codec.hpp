/// How a command, an event or a reply becomes bytes. Numbers, bool and strings are built in;
/// `<coterie/msgpack.hpp>` adds every type with MSGPACK_DEFINE; specialise Codec for anything else.
/// Thread-safety: pure functions.
#pragma once

#include <concepts>
#include <limits>
#include <string>

#include "coterie/core/result.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie {

/// `static void encode(const T&, Bytes& out)` appends; `static bool decode(ByteView, T&)` answers
/// false for bytes that are no T and never throws.
template <class T>
struct Codec;

template <std::integral T>
struct Codec<T> {
  static void encode(const T& value, Bytes& out) {
    wire::MsgpackWriter writer(out);
    if constexpr (std::same_as<T, bool>) writer.boolean(value);
    else if constexpr (std::signed_integral<T>) writer.signed_integer(value);
    else writer.unsigned_integer(value);
  }
  static bool decode(ByteView bytes, T& value) {
    wire::MsgpackReader reader(bytes);
    if constexpr (std::same_as<T, bool>) {
      value = reader.boolean();
    } else if constexpr (std::signed_integral<T>) {
      const auto wide = reader.signed_integer();
      if (wide < std::numeric_limits<T>::min() || wide > std::numeric_limits<T>::max())
        return false;
      value = static_cast<T>(wide);
    } else {
      value = static_cast<T>(reader.unsigned_integer(std::numeric_limits<T>::max()));
    }
    return reader.ok() && reader.at_end();
  }
};

template <std::floating_point T>
struct Codec<T> {
  static void encode(const T& value, Bytes& out) { wire::MsgpackWriter(out).float64(value); }
  static bool decode(ByteView bytes, T& value) {
    wire::MsgpackReader reader(bytes);
    value = static_cast<T>(reader.float64());
    return reader.ok() && reader.at_end();
  }
};

template <>
struct Codec<std::string> {
  static void encode(const std::string& value, Bytes& out) { wire::MsgpackWriter(out).str(value); }
  static bool decode(ByteView bytes, std::string& value) {
    wire::MsgpackReader reader(bytes);
    value = reader.text(bytes.size());
    return reader.ok() && reader.at_end();
  }
};

/// Nothing to say.
template <>
struct Codec<Done> {
  static void encode(const Done&, Bytes&) {}
  static bool decode(ByteView bytes, Done&) { return bytes.empty(); }
};

}  // namespace coterie
