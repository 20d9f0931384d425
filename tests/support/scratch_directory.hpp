/// A directory of this process alone: empty at first, gone at the end.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <string>

namespace coterie::testing {

struct ScratchDirectory {
  explicit ScratchDirectory(const std::string& name)
      : path(std::filesystem::temp_directory_path() /
             ("coterie-" + name + "-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(path);
    std::filesystem::create_directory(path);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() { std::filesystem::remove_all(path); }

  std::filesystem::path path;
};

}  // namespace coterie::testing
