#include "coterie/transport/http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <limits>

#include "asio_loop.hpp"
#include "coterie/transport/http_server.hpp"

namespace coterie::transport {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

namespace {

/// Before the request was sent nothing can have happened; afterwards nobody knows.
Error no_answer(const Address& address, bool sent, const beast::error_code& why) {
  if (sent)
    return error(Errc::deadline_exceeded,
                 "no answer from " + to_string(address) + " (" + why.message() + ")");
  return error(Errc::unavailable, "could not connect to " + to_string(address) + ": " +
                                      why.message() +
                                      "; is a node running there? Check --management");
}

/// Takes whole lines off the front of `text`; false once `line` wants no more.
bool take_lines(std::string& text, const std::function<bool(std::string_view)>& line) {
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    const auto one = text.substr(0, end);
    text.erase(0, end + 1);
    if (!line(one)) return false;
  }
  return true;
}

}  // namespace

Result<HttpAnswer> http_get(const Address& address, const std::string& target, Duration timeout) {
  asio::io_context context;
  beast::tcp_stream stream(context);
  beast::flat_buffer buffer;
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, to_string(address));
  http::response_parser<http::string_body> parser;
  parser.body_limit(max_http_answer);
  beast::error_code failure = asio::error::timed_out;
  bool sent = false;
  stream.expires_after(timeout);
  stream.async_connect(
      tcp::endpoint(to_asio(address), address.port), [&](beast::error_code connected) {
        if (connected) return void(failure = connected);
        sent = true;
        http::async_write(stream, request, [&](beast::error_code written, std::size_t) {
          if (written) return void(failure = written);
          http::async_read(stream, buffer, parser,
                           [&](beast::error_code read, std::size_t) { failure = read; });
        });
      });
  context.run();
  if (failure) return no_answer(address, sent, failure);
  return HttpAnswer{parser.get().result_int(), parser.get().body()};
}

Status http_lines(const Address& address, const std::string& target, const std::string& body,
                  HttpPatience patience, const std::function<bool(std::string_view)>& line) {
  asio::io_context context;
  beast::tcp_stream stream(context);
  beast::flat_buffer buffer;
  beast::error_code problem;
  // Each step alone on the loop: blocking, but with a time limit.
  const auto step = [&](Duration limit, auto start) {
    problem = asio::error::timed_out;
    stream.expires_after(limit);
    start([&](beast::error_code outcome, auto&&...) { problem = outcome; });
    context.restart();
    context.run();
    return !problem;
  };
  http::request<http::string_body> request(body.empty() ? http::verb::get : http::verb::post,
                                           target, 11, body);
  request.set(http::field::host, to_string(address));
  request.set(std::string(own_header), "1");
  request.prepare_payload();
  http::response_parser<http::string_body> parser;
  // Boost 1.74 takes no limit at all for a limit of zero.
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());
  const bool connected = step(patience.answer, [&](auto done) {
    stream.async_connect(tcp::endpoint(to_asio(address), address.port), done);
  });
  const bool asked =
      connected &&
      step(patience.answer, [&](auto done) { http::async_write(stream, request, done); }) &&
      step(patience.answer,
           [&](auto done) { http::async_read_header(stream, buffer, parser, done); });
  if (!asked) return no_answer(address, connected, problem);
  std::string text;
  while (!parser.is_done()) {
    if (!step(patience.silence,
              [&](auto done) { http::async_read_some(stream, buffer, parser, done); }))
      break;
    text += std::exchange(parser.get().body(), {});
    if (text.size() > max_http_line) return error(Errc::malformed, "a line without an end");
    if (parser.get().result() == http::status::ok && !take_lines(text, line)) return Done{};
  }
  if (parser.get().result() != http::status::ok)
    return error(Errc::refused, to_string(address) + " answered " +
                                    std::to_string(parser.get().result_int()) + ": " + text);
  if (problem && problem != http::error::partial_message) return no_answer(address, true, problem);
  if (problem)
    return error(Errc::deadline_exceeded, to_string(address) + " ended before its answer did");
  if (!text.empty()) (void)line(text);  // the last one needs no end
  return Done{};
}

}  // namespace coterie::transport
