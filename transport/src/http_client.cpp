#include "coterie/transport/http_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include "asio_loop.hpp"

namespace coterie::transport {

namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;

Result<HttpAnswer> http_get(const Address& address, const std::string& target, Duration timeout) {
  asio::io_context context;
  beast::tcp_stream stream(context);
  beast::flat_buffer buffer;
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, to_string(address));
  http::response_parser<http::string_body> parser;
  parser.body_limit(max_http_answer);
  beast::error_code failure = asio::error::timed_out;
  stream.expires_after(timeout);
  stream.async_connect(
      tcp::endpoint(to_asio(address), address.port), [&](beast::error_code connected) {
        if (connected) return void(failure = connected);
        http::async_write(stream, request, [&](beast::error_code written, std::size_t) {
          if (written) return void(failure = written);
          http::async_read(stream, buffer, parser,
                           [&](beast::error_code read, std::size_t) { failure = read; });
        });
      });
  context.run();
  if (failure)
    return error(Errc::unavailable, "no answer from " + to_string(address) + ": " +
                                        failure.message() +
                                        "; is a node running there? Check --management");
  return HttpAnswer{parser.get().result_int(), parser.get().body()};
}

}  // namespace coterie::transport
