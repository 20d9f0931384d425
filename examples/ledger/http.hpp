/// A small asynchronous HTTP/1.1 server, as a service would already have one.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>

struct Request {
  std::string method;
  std::string path;
  std::string body;
};
struct Response {
  unsigned status = 200;
  std::string body;
  unsigned retry_after_s = 0;  ///< 0 = no Retry-After header
};
/// Call once, from any thread.
using Respond = std::function<void(Response)>;
using Route = std::function<void(Request, Respond)>;

/// Serves until the context stops. Throws if the port cannot be bound.
void serve(boost::asio::io_context& context, const boost::asio::ip::tcp::endpoint& endpoint,
           Route route);
