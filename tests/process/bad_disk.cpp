/// A disk that is slow or fails, for real processes: loaded before the C library (LD_PRELOAD), it
/// does to LMDB's writes what the file named by COTERIE_BAD_DISK says: nothing while it is empty or
/// absent, else `NAME MS ERRNO`: calls on files whose path ends with NAME ("*": on all of LMDB's)
/// take MS milliseconds, and fail with ERRNO if it is not 0.
#include <dlfcn.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::string path_of(int file) {
  std::array<char, 4096> path{};
  const auto link = "/proc/self/fd/" + std::to_string(file);
  const auto size = readlink(link.c_str(), path.data(), path.size());
  return {path.data(), size > 0 ? static_cast<std::size_t>(size) : 0};
}

/// 0: the call may go on.
int trouble(int file) {
  const char* const control = std::getenv("COTERIE_BAD_DISK");
  std::FILE* const in = control != nullptr ? std::fopen(control, "re") : nullptr;
  if (in == nullptr) return 0;
  std::array<char, 64> name{};
  unsigned milliseconds = 0;
  int status = 0;
  const int read = std::fscanf(in, "%63s %u %d", name.data(), &milliseconds, &status);
  (void)std::fclose(in);
  if (read != 3) return 0;
  const std::string_view end = std::string_view(name.data()) == "*" ? ".mdb" : name.data();
  if (!std::string_view(path_of(file)).ends_with(end)) return 0;
  usleep(milliseconds * 1000);
  return status;
}

template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" int fdatasync(int file) {
  static auto* const real = next<int(int)>("fdatasync");
  if (const int status = trouble(file); status != 0) return errno = status, -1;
  return real(file);
}

extern "C" ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  static auto* const real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  if (const int status = trouble(file); status != 0) return errno = status, -1;
  return real(file, bytes, size, at);
}

extern "C" ssize_t writev(int file, const iovec* parts, int count) {
  static auto* const real = next<ssize_t(int, const iovec*, int)>("writev");
  if (const int status = trouble(file); status != 0) return errno = status, -1;
  return real(file, parts, count);
}
