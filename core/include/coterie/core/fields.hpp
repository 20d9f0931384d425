/// The members of a plain struct as a list, so that one function can write, read or hash any of
/// them. Works for aggregates of up to 21 members without base classes. Source: the counting trick
/// of A. Polukhin, P1061 and Boost.PFR. Thread-safety: pure functions.
#pragma once

#include <cstdlib>
#include <type_traits>
#include <utility>

namespace coterie {
namespace fields_detail {

struct Anything {
  template <class T>
  constexpr operator T() const noexcept {  // NOLINT(google-explicit-constructor): that is the trick
    std::abort();                          // never called: only its type is looked at
  }
};

template <class T, std::size_t... I>
constexpr bool makes(std::index_sequence<I...>) {
  return requires { T{((void)I, Anything{})...}; };
}

template <class T, std::size_t N>
constexpr std::size_t count() {
  if constexpr (N == 0) return 0;
  else if constexpr (makes<T>(std::make_index_sequence<N>{})) return N;
  else return count<T, N - 1>();
}

}  // namespace fields_detail

inline constexpr std::size_t max_fields = 21;

template <class T>
inline constexpr std::size_t field_count =
    fields_detail::count<std::remove_cvref_t<T>, max_fields>();

/// Calls `f(member, member, ...)`.
template <class T, class F>
constexpr void with_fields(T& v, F f) {
  static_assert(std::is_aggregate_v<std::remove_cv_t<T>>);
  constexpr auto n = field_count<T>;
  // clang-format off
  if constexpr (n == 0) { f(); }
  else if constexpr (n == 1) { auto& [a] = v; f(a); }
  else if constexpr (n == 2) { auto& [a, b] = v; f(a, b); }
  else if constexpr (n == 3) { auto& [a, b, c] = v; f(a, b, c); }
  else if constexpr (n == 4) { auto& [a, b, c, d] = v; f(a, b, c, d); }
  else if constexpr (n == 5) { auto& [a, b, c, d, e] = v; f(a, b, c, d, e); }
  else if constexpr (n == 6) { auto& [a, b, c, d, e, g] = v; f(a, b, c, d, e, g); }
  else if constexpr (n == 7) { auto& [a, b, c, d, e, g, h] = v; f(a, b, c, d, e, g, h); }
  else if constexpr (n == 8) { auto& [a, b, c, d, e, g, h, i] = v; f(a, b, c, d, e, g, h, i); }
  else if constexpr (n == 9) {
    auto& [a, b, c, d, e, g, h, i, j] = v;
    f(a, b, c, d, e, g, h, i, j);
  } else if constexpr (n == 10) {
    auto& [a, b, c, d, e, g, h, i, j, k] = v;
    f(a, b, c, d, e, g, h, i, j, k);
  } else if constexpr (n == 11) {
    auto& [a, b, c, d, e, g, h, i, j, k, l] = v;
    f(a, b, c, d, e, g, h, i, j, k, l);
  } else if constexpr (n == 12) {
    auto& [a, b, c, d, e, g, h, i, j, k, l, m] = v;
    f(a, b, c, d, e, g, h, i, j, k, l, m);
  } else if constexpr (n == 13) {
    auto& [a, b, c, d, e, g, h, i, j, k, l, m, o] = v;
    f(a, b, c, d, e, g, h, i, j, k, l, m, o);
  } else if constexpr (n == 16) {
    auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r] = v;
    f(a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r);
  } else if constexpr (n == 17) {
    auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s] = v;
    f(a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s);
  } else if constexpr (n == 18) {
    auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s, t] = v;
    f(a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s, t);
  } else if constexpr (n == 19) {
    auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s, t, u] = v;
    f(a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s, t, u);
  } else if constexpr (n == 20) {
    auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s, t, u, w] = v;
    f(a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s, t, u, w);
  } else if constexpr (n == 21) {
    auto& [a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s, t, u, w, x] = v;
    f(a, b, c, d, e, g, h, i, j, k, l, m, o, p, q, r, s, t, u, w, x);
  } else {
    static_assert(n < 14, "write a line for this number of members");
  }
  // clang-format on
}

}  // namespace coterie
