#include "coterie/transport/http_server.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <optional>

#include "http_stream.hpp"
#include "listen.hpp"

namespace coterie::transport {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

constexpr auto idle_timeout = std::chrono::seconds(30);

/// One connection: reads a request, answers, reads the next.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const HttpServer::Handler& handler, std::shared_ptr<std::size_t> open)
      : stream_(std::move(socket)), handler_(handler), open_(std::move(open)) {
    ++*open_;
    beast::error_code gone;
    const auto peer = stream_.socket().remote_endpoint(gone);
    // Who comes from the very address that it came to is on this host as well.
    loopback_ = !gone && (peer.address().is_loopback() ||
                          peer.address() == stream_.socket().local_endpoint(gone).address());
    loopback_ = loopback_ && !gone;
  }
  ~Session() { --*open_; }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void read() {
    parser_.emplace();
    parser_->body_limit(max_http_body);
    stream_.expires_after(idle_timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](beast::error_code problem, std::size_t) {
                       if (!problem) self->respond();
                     });
  }

 private:
  void respond() {
    const auto& request = parser_->get();
    const auto answer =
        handler_({std::string(request.method_string()), std::string(request.target()),
                  request.body(), request.count(std::string(own_header)) > 0, loopback_});
    if (answer.stream) {
      auto stream = std::make_shared<StreamSession>(std::move(stream_), open_);
      stream->start(answer.status, answer.content_type);
      return answer.stream(stream);
    }
    response_ = {};
    response_.result(answer.status);
    response_.version(request.version());
    response_.keep_alive(request.keep_alive());
    response_.set(http::field::content_type, answer.content_type);
    response_.body() = answer.body;
    response_.prepare_payload();
    if (request.method() == http::verb::head) response_.body().clear();
    http::async_write(stream_, response_,
                      [self = shared_from_this()](beast::error_code problem, std::size_t) {
                        if (problem || !self->response_.keep_alive()) return;
                        self->read();
                      });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_{16 * 1024};
  std::optional<http::request_parser<http::string_body>> parser_{};
  http::response<http::string_body> response_{};
  HttpServer::Handler handler_;
  std::shared_ptr<std::size_t> open_;
  bool loopback_ = false;
};

}  // namespace

struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(EventLoop& loop, Handler h, std::function<void(std::string)> f)
      : pause(loop), acceptor(loop.impl().context), handler(std::move(h)), failed(std::move(f)) {}
  void accept() {
    acceptor.async_accept([self = shared_from_this()](beast::error_code problem,
                                                      tcp::socket socket) {
      if (!self->acceptor.is_open()) return;
      if (problem && is_passing(problem))
        return self->pause.set(EventLoop::now() + accept_pause, [weak = self->weak_from_this()] {
          const auto again = weak.lock();
          if (again && again->acceptor.is_open()) again->accept();
        });
      if (problem) return self->failed("accept: " + problem.message());
      if (*self->open < max_http_connections)
        std::make_shared<Session>(std::move(socket), self->handler, self->open)->read();
      self->accept();
    });
  }
  Timer pause;
  tcp::acceptor acceptor;
  Handler handler;
  std::function<void(std::string)> failed;
  std::shared_ptr<std::size_t> open = std::make_shared<std::size_t>(0);
};

HttpServer::HttpServer(EventLoop& loop, Handler handler, std::function<void(std::string)> failed)
    : impl_(std::make_shared<Impl>(loop, std::move(handler), std::move(failed))) {}
HttpServer::~HttpServer() { stop(); }

Status HttpServer::listen(const Address& address) {
  auto listening = listen_on(impl_->acceptor, address, "--management");
  if (listening) impl_->accept();
  return listening;
}

Address HttpServer::local() const { return local_address(impl_->acceptor); }

void HttpServer::stop() {
  beast::error_code ignored;
  impl_->acceptor.close(ignored);
}

}  // namespace coterie::transport
