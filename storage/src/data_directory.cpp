#include "coterie/storage/data_directory.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace coterie::storage {

Result<DataDirectory> DataDirectory::open(const std::string& path) {
  if (mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) {
    if (errno == ENOENT)
      return error(Errc::configuration,
                   "cannot create data directory '" + path +
                       "': its parent does not exist; create the parent or change --data");
    return error(Errc::configuration, "cannot create data directory '" + path + "': " +
                                          std::strerror(errno) + "; choose another with --data");
  }
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISDIR(info.st_mode))
    return error(Errc::configuration,
                 "data directory '" + path + "' is not a directory; choose another with --data");
  const auto lock_file = path + "/LOCK";
  const int fd = ::open(lock_file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0)
    return error(Errc::configuration,
                 "cannot write in data directory '" + path + "': " + std::strerror(errno));
  if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
    close(fd);
    return error(Errc::configuration,
                 "data directory '" + path +
                     "' is in use by another process; stop it, or give this one its own --data");
  }
  return DataDirectory(path, fd);
}

DataDirectory::DataDirectory(DataDirectory&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataDirectory& DataDirectory::operator=(DataDirectory&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(lock_, other.lock_);
  return *this;
}

DataDirectory::~DataDirectory() {
  if (lock_ >= 0) close(lock_);
}

}  // namespace coterie::storage
