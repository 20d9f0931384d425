/// Any plain value as msgpack: structs as arrays of their members, variants as [index, value]. For
/// recordings, whose reader is the same build; formats that are promises are written by hand.
/// Invariant: what write_value wrote, read_value reads back equal. Thread-safety: pure functions.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <variant>
#include <vector>

#include "coterie/core/error.hpp"
#include "coterie/core/fields.hpp"
#include "coterie/core/strong.hpp"
#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::wire {

inline constexpr std::size_t max_value_bytes = 64 * 1024 * 1024;    ///< of one text or byte string
inline constexpr std::uint32_t max_value_items = 16 * 1024 * 1024;  ///< of one list

namespace value_detail {

template <class T, template <class...> class Of>
inline constexpr bool is = false;
template <template <class...> class Of, class... Args>
inline constexpr bool is<Of<Args...>, Of> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class Rep, class Period>
inline constexpr bool is_duration<std::chrono::duration<Rep, Period>> = true;
template <class T>
inline constexpr bool is_octets = false;
template <std::size_t N>
inline constexpr bool is_octets<std::array<std::uint8_t, N>> = true;
template <class T>
concept AnyStrong = requires {
  typename T::rep;
}
&&!is_duration<T>;

}  // namespace value_detail

template <class T>
void write_value(MsgpackWriter& out, const T& v) {
  using namespace value_detail;
  if constexpr (std::is_same_v<T, bool>) {
    out.boolean(v);
  } else if constexpr (std::is_enum_v<T>) {
    write_value(out, static_cast<std::underlying_type_t<T>>(v));
  } else if constexpr (std::is_floating_point_v<T>) {
    out.float64(v);
  } else if constexpr (std::is_signed_v<T>) {
    out.signed_integer(v);
  } else if constexpr (std::is_unsigned_v<T>) {
    out.unsigned_integer(v);
  } else if constexpr (is_duration<T>) {
    out.signed_integer(v.count());
  } else if constexpr (AnyStrong<T>) {
    write_value(out, v.value);
  } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
    out.str(v);
  } else if constexpr (std::is_same_v<T, Bytes> || std::is_same_v<T, ByteView> || is_octets<T>) {
    out.bin(v);
  } else if constexpr (std::is_same_v<T, std::error_code>) {
    out.signed_integer(v.value());
  } else if constexpr (is<T, std::vector> || is<T, std::map>) {
    out.array(static_cast<std::uint32_t>(v.size()));
    for (const auto& item : v) write_value(out, item);
  } else if constexpr (is<T, std::pair>) {
    write_value(out, v.first);
    write_value(out, v.second);
  } else if constexpr (is<T, std::optional> || is<T, std::shared_ptr>) {
    out.boolean(static_cast<bool>(v));
    if (v) write_value(out, *v);
  } else if constexpr (is<T, std::variant>) {
    out.unsigned_integer(v.index());
    std::visit([&](const auto& held) { write_value(out, held); }, v);
  } else {
    with_fields(v, [&](const auto&... member) { (write_value(out, member), ...); });
  }
}

template <class T>
void read_value(MsgpackReader& in, T& v);

namespace value_detail {

template <class... Ts>
void read_alternative(MsgpackReader& in, std::variant<Ts...>& v) {
  const auto index = in.unsigned_integer(sizeof...(Ts) - 1);
  std::size_t at = 0;
  ((at++ == index && in.ok() ? read_value(in, v.template emplace<Ts>()) : void()), ...);
}

template <class T>
void read_text(MsgpackReader& in, T& v) {
  v = T(in.text(max_value_bytes));
}

template <class T>
void read_bytes(MsgpackReader& in, T& v) {
  const auto bytes = in.bytes(max_value_bytes);
  if constexpr (std::is_same_v<T, ByteView>) v = bytes;
  else if constexpr (std::is_same_v<T, Bytes>) v.assign(bytes.begin(), bytes.end());
  else if (bytes.size() == v.size()) std::copy(bytes.begin(), bytes.end(), v.begin());
}

template <class T>
void read_list(MsgpackReader& in, T& v) {
  const auto size = in.array(max_value_items);
  v.clear();
  for (std::uint32_t i = 0; i < size && in.ok(); ++i) {
    if constexpr (is<T, std::map>) {
      std::pair<typename T::key_type, typename T::mapped_type> item{};
      read_value(in, item);
      v.insert(std::move(item));
    } else {
      read_value(in, v.emplace_back());
    }
  }
}

}  // namespace value_detail

/// Views in `v` point into the reader's input. On malformed input the reader is no longer ok().
template <class T>
void read_value(MsgpackReader& in, T& v) {
  using namespace value_detail;
  if constexpr (std::is_same_v<T, bool>) {
    v = in.boolean();
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> number{};
    read_value(in, number);
    v = static_cast<T>(number);
  } else if constexpr (std::is_floating_point_v<T>) {
    v = in.float64();
  } else if constexpr (std::is_signed_v<T>) {
    v = static_cast<T>(in.signed_integer());
  } else if constexpr (std::is_unsigned_v<T>) {
    v = static_cast<T>(in.unsigned_integer());
  } else if constexpr (is_duration<T>) {
    v = T(in.signed_integer());
  } else if constexpr (AnyStrong<T>) {
    read_value(in, v.value);
  } else if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, std::string_view>) {
    read_text(in, v);
  } else if constexpr (std::is_same_v<T, Bytes> || std::is_same_v<T, ByteView> || is_octets<T>) {
    read_bytes(in, v);
  } else if constexpr (std::is_same_v<T, std::error_code>) {
    v = std::error_code(static_cast<int>(in.signed_integer()), coterie_category());
  } else if constexpr (is<T, std::vector> || is<T, std::map>) {
    read_list(in, v);
  } else if constexpr (is<T, std::pair>) {
    read_value(in, v.first);
    read_value(in, v.second);
  } else if constexpr (is<T, std::optional>) {
    if (in.boolean()) read_value(in, v.emplace());
  } else if constexpr (is<T, std::shared_ptr>) {
    using Value = std::remove_const_t<typename T::element_type>;
    if (!in.boolean()) return;
    auto value = std::make_shared<Value>();
    read_value(in, *value);
    v = std::move(value);
  } else if constexpr (is<T, std::variant>) {
    read_alternative(in, v);
  } else {
    with_fields(v, [&](auto&... member) { (read_value(in, member), ...); });
  }
}

}  // namespace coterie::wire
