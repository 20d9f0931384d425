#include "http.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <memory>
#include <optional>

namespace beast = boost::beast;
namespace http = beast::http;
using boost::asio::ip::tcp;

namespace {

constexpr std::size_t max_body = 64 * 1024;
constexpr std::size_t max_connections = 512;  // half of the usual limit of open files
constexpr auto idle_timeout = std::chrono::seconds(60);

class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const Route& route, std::shared_ptr<std::size_t> open)
      : stream_(std::move(socket)), route_(route), open_(std::move(open)) {
    ++*open_;
    beast::error_code ignored;
    stream_.socket().set_option(tcp::no_delay(true), ignored);
  }
  ~Session() { --*open_; }

  void read() {
    parser_.emplace();
    parser_->body_limit(max_body);
    stream_.expires_after(idle_timeout);
    http::async_read(
        stream_, buffer_, *parser_,
        [self = shared_from_this()](beast::error_code problem, std::size_t) {
          if (problem == http::error::body_limit)
            return self->write({413, R"({"error":"body too large"})"}, false);
          if (problem == http::error::end_of_stream || !self->parser_->is_header_done()) return;
          if (problem) return self->write({400, R"({"error":"bad request"})"}, false);
          self->respond();
        });
  }

 private:
  void respond() {
    auto& request = parser_->get();
    const bool keep = request.keep_alive();
    route_({std::string(request.method_string()), std::string(request.target()),
            std::move(request.body())},
           [self = shared_from_this(), keep](Response response) mutable {
             // The answer comes once, perhaps on a worker thread: the session goes back to its own
             // thread with it, so that no other thread ever holds the last reference.
             const auto executor = self->stream_.get_executor();
             boost::asio::post(executor, [self = std::move(self), keep,
                                          response = std::move(response)]() mutable {
               self->write(std::move(response), keep);
             });
           });
  }
  void write(Response answer, bool keep) {
    response_ = {};
    response_.result(answer.status);
    response_.keep_alive(keep);
    response_.set(http::field::content_type, "application/json");
    if (answer.retry_after_s > 0)
      response_.set(http::field::retry_after, std::to_string(answer.retry_after_s));
    response_.body() = std::move(answer.body);
    response_.prepare_payload();
    stream_.expires_after(idle_timeout);
    http::async_write(stream_, response_,
                      [self = shared_from_this(), keep](beast::error_code problem, std::size_t) {
                        if (!problem && keep) return self->read();
                        beast::error_code ignored;
                        self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
                      });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{2 * max_body};
  std::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> response_;
  Route route_;
  std::shared_ptr<std::size_t> open_;
};

struct Listener : std::enable_shared_from_this<Listener> {
  Listener(boost::asio::io_context& context, const tcp::endpoint& endpoint, Route r)
      : acceptor(context, endpoint, true), pause(context), route(std::move(r)) {}
  void accept() {
    acceptor.async_accept(
        [self = shared_from_this()](beast::error_code problem, tcp::socket socket) {
          if (!problem && *self->open < max_connections)
            std::make_shared<Session>(std::move(socket), self->route, self->open)->read();
          if (!self->acceptor.is_open()) return;
          if (!problem) return self->accept();
          self->pause.expires_after(std::chrono::milliseconds(100));  // out of sockets, perhaps
          self->pause.async_wait([self](beast::error_code) { self->accept(); });
        });
  }
  tcp::acceptor acceptor;
  boost::asio::steady_timer pause;
  Route route;
  std::shared_ptr<std::size_t> open = std::make_shared<std::size_t>(0);
};

}  // namespace

void serve(boost::asio::io_context& context, const tcp::endpoint& endpoint, Route route) {
  std::make_shared<Listener>(context, endpoint, std::move(route))->accept();
}
