/// A ledger over HTTP: any node answers for any account. Written on the public headers alone, as a
/// user would.
#include <boost/asio/ip/address.hpp>
#include <cstdio>
#include <thread>

#include "api.hpp"

namespace {

/// HOST:PORT, or nothing.
std::optional<boost::asio::ip::tcp::endpoint> endpoint_from(const std::string& text) {
  const auto address = coterie::parse_address(text);
  if (!address) return std::nullopt;
  const auto plain = coterie::to_string(*address);  // without names
  auto host = plain.substr(0, plain.rfind(':'));
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  boost::system::error_code problem;
  const auto ip = boost::asio::ip::make_address(host, problem);
  if (problem) return std::nullopt;
  return boost::asio::ip::tcp::endpoint(ip, address->port);
}

/// `ledger --replay DIR`: runs again what `ledger --record DIR` recorded.
int replay(const std::string& directory) {
  coterie::Replay recording(directory);
  recording.entities<Account>("account");
  const auto result = recording.run();
  if (!result) {
    std::fprintf(stderr, "ledger: %s\n", result.error().detail.c_str());
    return 1;
  }
  std::printf(
      "%zu tapes, %llu inputs, effect hash %016llx, %s\n", result->tapes,
      static_cast<unsigned long long>(result->inputs),
      static_cast<unsigned long long>(result->effect_hash),
      result->divergence.empty() ? "the same effects as recorded" : result->divergence.c_str());
  return result->divergence.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--replay") return replay(argv[2]);
  std::string http = "127.0.0.1:8080";
  auto config = coterie::config_from(
      argc, argv, {{"--http", "H:P", "the ledger's own HTTP address (127.0.0.1:8080)", &http}});
  const auto endpoint = endpoint_from(http);
  if (!endpoint) {
    std::fprintf(
        stderr,
        "ledger: bad address '%s' for --http: write HOST:PORT, for example 127.0.0.1:8080\n",
        http.c_str());
    return 2;
  }
  auto node = coterie::Node::start(std::move(config));
  if (!node) {
    std::fprintf(stderr, "ledger: %s\n", node.error().detail.c_str());
    return 1;
  }
  const auto accounts = node->entities<Account>("account");
  boost::asio::io_context context{1};
  try {
    serve(context, *endpoint, ledger_api(accounts));
  } catch (const std::exception& problem) {
    std::fprintf(stderr,
                 "ledger: cannot listen on %s: %s; stop the process that uses it, or choose "
                 "another --http\n",
                 http.c_str(), problem.what());
    return 1;
  }
  std::printf("ledger http://%s, management http://%s\n", http.c_str(),
              node->management_address().c_str());
  std::fflush(stdout);
  std::thread server([&] { context.run(); });
  const int status = node->run_until_signal();
  context.stop();
  server.join();
  return status;
}
