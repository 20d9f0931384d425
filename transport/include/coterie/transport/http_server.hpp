/// A small HTTP/1.1 server for management. Thread-safety: handlers run on the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "coterie/core/address.hpp"
#include "coterie/transport/event_loop.hpp"

namespace coterie::transport {

struct HttpRequest {
  std::string method{};
  std::string target{};
};
struct HttpResponse {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body{};
};

/// Bounds of one server: connections at once, bytes of a request, seconds of silence.
inline constexpr std::size_t max_http_connections = 256;
inline constexpr std::size_t max_http_body = 64 * 1024;

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
