#include "demo_cluster.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <thread>

namespace {

using namespace std::chrono_literals;
constexpr auto ready_limit = 60s;

/// Free ports below the ephemeral range, where no outgoing connection can take one before its
/// process binds it, and below those of the tests, which may run beside it.
constexpr std::uint32_t first_port = 10'000, last_port = 11'999, ports_a_process = 16;
std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<std::uint16_t> ports;
  const auto begin = static_cast<std::uint32_t>(getpid()) * ports_a_process;
  for (std::uint32_t i = 0; ports.size() < count; ++i) {
    if (i > last_port - first_port)
      throw std::runtime_error("no free port on loopback from 10,000 to 11,999");
    const auto port = first_port + (begin + i) % (last_port - first_port + 1);
    const int fd = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(static_cast<std::uint16_t>(port));
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (bind(fd, reinterpret_cast<sockaddr*>(&name), sizeof name) == 0)
      ports.push_back(static_cast<std::uint16_t>(port));
    close(fd);
  }
  return ports;
}

std::string at(std::uint16_t port) { return "127.0.0.1:" + std::to_string(port); }

}  // namespace

DemoCluster::DemoCluster(std::string ledger_binary, std::string directory, bool record)
    : binary_(std::move(ledger_binary)), directory_(std::move(directory)), record_(record) {
  const auto ports = free_ports(4 * size);
  for (std::size_t i = 0; i < size; ++i)
    nodes_.push_back({"n" + std::to_string(i + 1), ports[4 * i], ports[4 * i + 1], ports[4 * i + 2],
                      ports[4 * i + 3]});
}

DemoCluster::~DemoCluster() {
  for (auto& node : nodes_) {
    if (node.pid <= 0) continue;
    ::kill(node.pid, SIGKILL);
    waitpid(node.pid, nullptr, 0);
  }
}

void DemoCluster::start_all() {
  for (std::size_t i = 0; i < nodes_.size(); ++i) start(i);
}

void DemoCluster::start(std::size_t index) {
  auto& node = nodes_.at(index);
  std::vector<std::string> words{binary_,
                                 "--name",
                                 node.name,
                                 "--gossip",
                                 at(node.gossip),
                                 "--link",
                                 at(node.link),
                                 "--management",
                                 at(node.management),
                                 "--http",
                                 at(node.http),
                                 "--data",
                                 directory_ + "/" + node.name,
                                 "--bootstrap-expect",
                                 std::to_string(nodes_.size())};
  if (record_) words.insert(words.end(), {"--record", recording(node)});
  if (index > 0) words.insert(words.end(), {"--join", at(nodes_[0].gossip)});
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const auto log = directory_ + "/" + node.name + ".log";
  node.pid = fork();
  if (node.pid != 0) return;
  sigset_t none;  // the demo may block signals; the ledger must not inherit that
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  dup2(fd, 1);
  dup2(fd, 2);
  execv(binary_.c_str(), arguments.data());
  _exit(127);
}

std::string DemoCluster::recording(const LedgerProcess& node) const {
  return directory_ + "/" + node.name + "-recording";
}

bool DemoCluster::replay_all() const {
  bool same = true;
  for (const auto& node : nodes_) {
    std::printf("replay of %s: ", node.name.c_str());
    std::fflush(stdout);
    const auto directory = recording(node);
    const int pid = fork();
    if (pid == 0) {
      execl(binary_.c_str(), binary_.c_str(), "--replay", directory.c_str(), nullptr);
      _exit(127);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    same = same && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  return same;
}

void DemoCluster::kill_hard(std::size_t index) {
  auto& node = nodes_.at(index);
  ::kill(node.pid, SIGKILL);
  waitpid(node.pid, nullptr, 0);
  node.pid = -1;
}

namespace {

/// False: not within `limit`.
bool wait_until(std::chrono::steady_clock::time_point limit, const std::function<bool()>& done) {
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

}  // namespace

bool DemoCluster::stop_all() {
  bool clean = true;
  for (const auto& node : nodes_)
    if (node.pid > 0) ::kill(node.pid, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + 10s;
  for (auto& node : nodes_) {
    if (node.pid <= 0) continue;
    int status = -1;
    (void)wait_until(until, [&] { return waitpid(node.pid, &status, WNOHANG) != 0; });
    clean = clean && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (WIFEXITED(status)) node.pid = -1;
  }
  return clean;
}

bool DemoCluster::wait_ready() {
  const auto until = std::chrono::steady_clock::now() + ready_limit;
  return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& node) {
    return wait_until(until, [&] {
      return node.pid <= 0 ||
             http_get(node.management, "/health/ready").find("\"ready\":true") != std::string::npos;
    });
  });
}

/// The registers survive the loss of two nodes once five vote on them; they grow within a second or
/// two.
bool DemoCluster::wait_voters() {
  const auto voters = [&] {
    const auto members = http_get(nodes_.front().management, "/members");
    std::size_t count = 0;
    for (const std::string role : {R"("registers":"voter")", R"("registers":"leader")"})
      for (auto at = members.find(role); at != std::string::npos; at = members.find(role, at + 1))
        ++count;
    return count;
  };
  return wait_until(std::chrono::steady_clock::now() + ready_limit,
                    [&] { return voters() >= nodes_.size(); });
}

std::string http_get(std::uint16_t port, const std::string& target) {
  namespace http = boost::beast::http;
  using boost::asio::ip::tcp;
  boost::asio::io_context context;
  boost::beast::tcp_stream stream(context);
  boost::beast::error_code problem;
  stream.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), port), problem);
  if (problem) return {};
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.keep_alive(false);
  http::write(stream, request, problem);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  if (!problem) http::read(stream, buffer, response, problem);
  return problem ? std::string() : response.body();
}
