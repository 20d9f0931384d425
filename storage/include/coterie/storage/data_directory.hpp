/// A node's data directory: one process at a time, one node for ever. Foreign files in it are left
/// alone. Thread-safety: open from one thread; the lock is held until destruction.
#pragma once

#include <string>

#include "coterie/core/result.hpp"

namespace coterie::storage {

class DataDirectory {
 public:
  /// Creates the last component if it is absent; a missing parent is an error. Errors name cause
  /// and remedy.
  [[nodiscard]] static Result<DataDirectory> open(const std::string& path);
  DataDirectory(DataDirectory&& other) noexcept;
  DataDirectory& operator=(DataDirectory&& other) noexcept;
  ~DataDirectory();
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  DataDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_ = -1;
};

}  // namespace coterie::storage
