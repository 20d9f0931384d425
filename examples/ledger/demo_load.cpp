#include "demo_load.hpp"

#include <algorithm>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <memory>
#include <optional>

#include "coterie/sharding/entity_hash.hpp"

namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;
using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto request_timeout = 10s;
constexpr auto retry_pause = 20ms;
constexpr auto progress_interval = 10ms;

std::size_t shard_of_word(const std::string& word) {
  return coterie::sharding::shard_of(coterie::sharding::entity_hash(word)).value;
}

struct Shared {
  const std::vector<std::string>& words;
  const std::vector<std::uint16_t>& ports;
  const std::function<void(std::size_t)>& progress;
  LoadResult result{};
  std::size_t next = 0;
  std::map<std::size_t, Clock::time_point> outage_since{};
};

/// One connection, one request in flight. A deposit goes to the next node when its node does not
/// answer well.
class Client : public std::enable_shared_from_this<Client> {
 public:
  Client(boost::asio::io_context& context, Shared& shared, std::size_t number)
      : context_(context), timer_(context), shared_(shared), node_(number) {}

  void next() {
    if (shared_.next >= shared_.words.size()) return;
    job_ = shared_.next++;
    attempt();
  }

 private:
  void attempt() {
    started_ = Clock::now();
    if (stream_) return send();
    stream_.emplace(context_);
    stream_->expires_after(request_timeout);
    const tcp::endpoint to(boost::asio::ip::address_v4::loopback(),
                           shared_.ports[node_ % shared_.ports.size()]);
    stream_->async_connect(to, [self = shared_from_this()](beast::error_code problem) {
      if (problem) return self->retry();
      self->stream_->socket().set_option(tcp::no_delay(true));
      self->send();
    });
  }

  void send() {
    request_ = {http::verb::post, "/accounts/" + shared_.words[job_] + "/deposit", 11};
    request_.set(http::field::host, "localhost");
    request_.body() = R"({"cents":1,"id":")" + std::to_string(job_) + "\"}";
    request_.prepare_payload();
    stream_->expires_after(request_timeout);
    http::async_write(*stream_, request_,
                      [self = shared_from_this()](beast::error_code problem, std::size_t) {
                        if (problem) return self->retry();
                        self->response_ = {};
                        http::async_read(*self->stream_, self->buffer_, self->response_,
                                         [self](beast::error_code read_problem, std::size_t) {
                                           self->on_response(read_problem);
                                         });
                      });
  }

  void on_response(beast::error_code problem) {
    if (problem || response_.result_int() != 200) {
      keep_connection_ = !problem;
      return retry();
    }
    const auto now = Clock::now();
    auto& result = shared_.result;
    result.latencies_ms.push_back(
        std::chrono::duration<double, std::milli>(now - started_).count());
    const auto shard = shard_of_word(shared_.words[job_]);
    if (const auto since = shared_.outage_since.find(shard); since != shared_.outage_since.end()) {
      auto& longest = result.outage_ms_by_shard[shard];
      longest =
          std::max(longest, std::chrono::duration<double, std::milli>(now - since->second).count());
      shared_.outage_since.erase(since);
    }
    ++result.acknowledged;
    next();
  }

  void retry() {
    shared_.outage_since.try_emplace(shard_of_word(shared_.words[job_]), started_);
    ++shared_.result.retried;
    if (!keep_connection_) {
      stream_.reset();
      buffer_.clear();
      ++node_;
    }
    keep_connection_ = false;
    timer_.expires_after(retry_pause);
    timer_.async_wait([self = shared_from_this()](beast::error_code) { self->attempt(); });
  }

  boost::asio::io_context& context_;
  boost::asio::steady_timer timer_;
  Shared& shared_;
  std::size_t node_;
  std::size_t job_ = 0;
  bool keep_connection_ = false;
  Clock::time_point started_{};
  std::optional<beast::tcp_stream> stream_{};
  beast::flat_buffer buffer_{};
  http::request<http::string_body> request_{};
  http::response<http::string_body> response_{};
};

/// Reports progress by the clock, not by acknowledgements: during an outage there may be none.
void watch(boost::asio::steady_timer& timer, Shared& shared) {
  shared.progress(shared.result.acknowledged);
  if (shared.result.acknowledged == shared.words.size()) return;
  timer.expires_after(progress_interval);
  timer.async_wait([&](beast::error_code) { watch(timer, shared); });
}

}  // namespace

LoadResult run_load(const std::vector<std::string>& words,
                    const std::vector<std::uint16_t>& http_ports, std::size_t in_flight,
                    const std::function<void(std::size_t)>& progress) {
  boost::asio::io_context context{1};
  Shared shared{words, http_ports, progress};
  const auto began = Clock::now();
  for (std::size_t i = 0; i < in_flight; ++i) std::make_shared<Client>(context, shared, i)->next();
  boost::asio::steady_timer timer(context);
  watch(timer, shared);
  context.run();
  auto result = std::move(shared.result);
  result.seconds = std::chrono::duration<double>(Clock::now() - began).count();
  std::sort(result.latencies_ms.begin(), result.latencies_ms.end());
  return result;
}
