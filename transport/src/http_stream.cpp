#include "http_stream.hpp"

namespace coterie::transport {

namespace beast = boost::beast;
namespace http = beast::http;
namespace asio = boost::asio;

namespace {

/// A client that takes nothing for so long is gone.
constexpr auto write_timeout = std::chrono::seconds(30);

}  // namespace

StreamSession::StreamSession(beast::tcp_stream stream, std::shared_ptr<std::size_t> open)
    : stream_(std::move(stream)), open_(std::move(open)) {
  ++*open_;
}
StreamSession::~StreamSession() { --*open_; }

void StreamSession::start(unsigned status, const std::string& content_type) {
  head_.result(status);
  head_.version(11);
  head_.set(http::field::content_type, content_type);
  head_.keep_alive(false);
  head_.chunked(true);
  writing_ = true;
  stream_.expires_after(write_timeout);
  http::async_write_header(stream_, serializer_,
                           [self = shared_from_this()](beast::error_code problem, std::size_t) {
                             self->writing_ = false;
                             if (problem) return self->close();
                             self->watch();
                             self->send_next();
                           });
}

/// The socket's own read, without tcp_stream's time-out: a quiet client is what we expect.
void StreamSession::watch() {
  stream_.socket().async_read_some(
      asio::buffer(&unexpected_, 1),
      [self = shared_from_this()](beast::error_code, std::size_t) { self->close(); });
}

bool StreamSession::write(std::string piece) {
  if (closed_ || ended_) return false;
  if (waiting_ + piece.size() > max_http_backlog) return close(), false;
  if (piece.empty()) return true;  // an empty chunk would end the body
  waiting_ += piece.size();
  pieces_.push_back(std::move(piece));
  send_next();
  return true;
}

void StreamSession::end() {
  ended_ = true;
  send_next();
}

void StreamSession::send_next() {
  if (writing_ || closed_) return;
  if (pieces_.empty() && !ended_) return;
  writing_ = true;
  stream_.expires_after(write_timeout);
  if (pieces_.empty())
    return asio::async_write(
        stream_, http::make_chunk_last(),
        [self = shared_from_this()](beast::error_code, std::size_t) { self->close(); });
  asio::async_write(stream_, http::make_chunk(asio::buffer(pieces_.front())),
                    [self = shared_from_this()](beast::error_code problem, std::size_t) {
                      self->writing_ = false;
                      if (self->closed_) return;
                      self->waiting_ -= self->pieces_.front().size();
                      self->pieces_.pop_front();
                      if (problem) return self->close();
                      self->send_next();
                    });
}

void StreamSession::close() {
  if (std::exchange(closed_, true)) return;
  beast::error_code ignored;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  stream_.socket().close(ignored);
}

}  // namespace coterie::transport
