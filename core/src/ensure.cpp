#include "coterie/core/ensure.hpp"

#include <cstdio>
#include <cstdlib>

namespace coterie {

void ensure_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "coterie: broken promise at %s:%d: %s\n", file, line, expression);
  std::abort();
}

void no_value(const char* error) noexcept {
  std::fprintf(stderr, "error: %s\n", error);
  std::_Exit(1);
}

}  // namespace coterie
