/// One connection whose answer goes on until it is ended or the client goes. Private to transport.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <deque>

#include "coterie/transport/http_server.hpp"

namespace coterie::transport {

class StreamSession final : public HttpStream, public std::enable_shared_from_this<StreamSession> {
 public:
  /// Counts in `open` as long as it lives.
  StreamSession(boost::beast::tcp_stream stream, std::shared_ptr<std::size_t> open);
  ~StreamSession() override;
  StreamSession(const StreamSession&) = delete;
  StreamSession& operator=(const StreamSession&) = delete;

  void start(unsigned status, const std::string& content_type);
  bool write(std::string piece) override;
  void end() override;

 private:
  void watch();
  void send_next();
  void close();

  boost::beast::tcp_stream stream_;
  std::shared_ptr<std::size_t> open_;
  boost::beast::http::response<boost::beast::http::empty_body> head_{};
  boost::beast::http::response_serializer<boost::beast::http::empty_body> serializer_{head_};
  std::deque<std::string> pieces_{};
  std::size_t waiting_ = 0;
  char unexpected_ = 0;  ///< a client says nothing more; that it closes is what we wait for
  bool writing_ = false, ended_ = false, closed_ = false;
};

}  // namespace coterie::transport
