/// A small HTTP/1.1 server for management. Thread-safety: handlers run on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "coterie/core/address.hpp"
#include "coterie/transport/event_loop.hpp"

namespace coterie::transport {

/// A header that no web page can add to a request of its own without our leave, so that a browser
/// on this host cannot be made to change anything here.
inline constexpr std::string_view own_header = "X-Coterie";

struct HttpRequest {
  std::string method{};
  std::string target{};
  std::string body{};
  bool own = false;       ///< it has own_header
  bool loopback = false;  ///< its sender is on this host
};

/// A body that goes on: each piece is sent as it comes. On the loop's thread.
class HttpStream {
 public:
  virtual ~HttpStream() = default;
  /// False once the client is gone, or reads so slowly that max_http_backlog waits for it.
  virtual bool write(std::string piece) = 0;
  virtual void end() = 0;
};

struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body{};
  /// Set: it is given the stream once the head is on its way, and `body` is not used.
  std::function<void(std::shared_ptr<HttpStream>)> stream{};
};

/// Bounds of one server: connections at once, bytes of a request, seconds of silence.
inline constexpr std::size_t max_http_connections = 256;
inline constexpr std::size_t max_http_body = 64 * 1024;
inline constexpr std::size_t max_http_backlog = 1024 * 1024;  ///< bytes that wait in one stream

class HttpServer {
 public:
  using Handler = std::function<HttpResponse(const HttpRequest&)>;
  HttpServer(EventLoop& loop, Handler handler, std::function<void(std::string)> failed);
  ~HttpServer();
  [[nodiscard]] Status listen(const Address& address);
  [[nodiscard]] Address local() const;
  void stop();

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace coterie::transport
