/// Nodes under measurement: on free ports, without a log.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "coterie/coterie.hpp"
#include "coterie/transport/http_client.hpp"

namespace bench {

[[nodiscard]] inline coterie::Config node_config(const std::string& name,
                                                 const std::string& directory,
                                                 std::uint32_t expect) {
  coterie::Config c;
  c.name = name;
  c.gossip = c.link = c.management = "127.0.0.1:0";
  c.data = directory + "/" + name;
  c.bootstrap_expect = expect;
  c.log = [](coterie::LogLevel, std::string_view) {};
  return c;
}

/// What a management port answers; empty: nothing, or an error.
[[nodiscard]] inline std::string asked(const std::string& management, const std::string& path) {
  using namespace std::chrono_literals;
  const auto answer =
      coterie::transport::http_get(coterie::parse_address(management).value(), path, 5s);
  return answer && answer->status == 200 ? answer->body : std::string();
}

inline void wait_for(const std::string& what, const std::function<bool()>& done) {
  for (int i = 0; i < 3000; ++i) {
    if (done()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  throw std::runtime_error("not within 30 s: " + what);
}
inline void wait_ready(const std::string& management) {
  wait_for("ready", [&] { return !asked(management, "/health/ready").empty(); });
}

/// This program again, as another process, with these arguments.
[[nodiscard]] inline int spawn(const std::vector<std::string>& arguments) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe").string();
  const int child = fork();
  if (child != 0) return child;
  close_range(3, ~0U, 0);  // sockets, and the locks of the parent's directories
  std::vector<char*> argv{const_cast<char*>(self.c_str())};
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  execv(self.c_str(), argv.data());
  _exit(127);
}

}  // namespace bench
