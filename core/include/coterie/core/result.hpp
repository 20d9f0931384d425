/// Result<T>: a value or an Error, with the names of std::expected (C++23). No exception crosses a
/// module border. Thread-safety: a value type.
#pragma once

#include <utility>
#include <variant>

#include "coterie/core/ensure.hpp"
#include "coterie/core/error.hpp"

namespace coterie {

template <class T>
class [[nodiscard]] Result {
 public:
  using value_type = T;

  Result(T value)
      : content_(std::in_place_index<0>, std::move(value)) {}  // NOLINT: implicit like expected
  Result(Error error)
      : content_(std::in_place_index<1>, std::move(error)) {}  // NOLINT: implicit like unexpected

  [[nodiscard]] bool has_value() const { return content_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & { return checked(), *std::get_if<0>(&content_); }
  [[nodiscard]] const T& value() const& { return checked(), *std::get_if<0>(&content_); }
  [[nodiscard]] T&& value() && { return checked(), std::move(*std::get_if<0>(&content_)); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const {
    COTERIE_ENSURE(!has_value());
    return *std::get_if<1>(&content_);
  }
  template <class U>
  [[nodiscard]] T value_or(U&& fallback) const {
    return has_value() ? value() : T(std::forward<U>(fallback));
  }

 private:
  void checked() const {
    if (!has_value()) no_value(to_string(std::get<1>(content_)).c_str());
  }
  std::variant<T, Error> content_;
};

/// A result without a value: success or an Error.
struct Done {
  friend bool operator==(const Done&, const Done&) = default;
};
using Status = Result<Done>;

}  // namespace coterie
