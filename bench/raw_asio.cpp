#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cstring>
#include <stdexcept>

#include "coterie/wire/frame.hpp"
#include "rows.hpp"

namespace bench {
namespace {

using boost::asio::ip::tcp;
constexpr std::size_t buffer_bytes = 64 * 1024;
constexpr std::size_t id_bytes = 22;

std::size_t frame_bytes(std::size_t payload) {
  return coterie::wire::request_header_bytes + id_bytes + payload;
}

/// What the parent tells the child before each measurement.
struct Order {
  std::uint32_t frame = 0;  ///< bytes of a frame; 0 = end
  std::uint32_t echo = 0;   ///< 1 = send every frame back, 0 = count and answer one byte at the end
  std::uint64_t count = 0;  ///< frames to expect
};

/// Reads whole chunks, answers whole chunks: the least that a frame exchange can cost with Asio.
void serve(tcp::socket& socket) {
  std::vector<char> buffer(buffer_bytes);
  for (;;) {
    Order order;
    boost::asio::read(socket, boost::asio::buffer(&order, sizeof order));
    if (order.frame == 0) return;
    auto left = order.count * order.frame;
    while (left > 0) {
      const auto size = socket.read_some(
          boost::asio::buffer(buffer.data(), std::min<std::uint64_t>(buffer.size(), left)));
      left -= size;
      if (order.echo) boost::asio::write(socket, boost::asio::buffer(buffer.data(), size));
    }
    if (!order.echo) boost::asio::write(socket, boost::asio::buffer("!", 1));
  }
}

struct Socket {
  boost::asio::io_context context{1};
  tcp::socket socket{context};
  explicit Socket(int fd) { socket.assign(tcp::v4(), dup(fd)); }
  void order(Order o) { boost::asio::write(socket, boost::asio::buffer(&o, sizeof o)); }
};

}  // namespace

RawPair::RawPair() {
  boost::asio::io_context context;
  tcp::acceptor acceptor(context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
  const auto endpoint = acceptor.local_endpoint();
  child_ = fork();
  if (child_ == 0) {
    boost::asio::io_context own{1};
    tcp::socket socket(own);
    socket.connect(endpoint);
    socket.set_option(tcp::no_delay(true));
    try {
      serve(socket);
    } catch (const std::exception&) {
    }
    _exit(0);
  }
  auto socket = acceptor.accept();
  socket.set_option(tcp::no_delay(true));
  socket_ = socket.release();
}

RawPair::~RawPair() {
  close(socket_);
  kill(child_, SIGKILL);
  waitpid(child_, nullptr, 0);
}

std::vector<double> RawPair::round_trips_us(std::size_t payload, std::size_t count) {
  Socket s(socket_);
  const auto size = frame_bytes(payload);
  std::vector<char> buffer(size);
  s.order({static_cast<std::uint32_t>(size), 1, count});
  std::vector<double> times;
  for (std::size_t i = 0; i < count; ++i)
    times.push_back(1e6 * seconds_of([&] {
                      boost::asio::write(s.socket, boost::asio::buffer(buffer));
                      boost::asio::read(s.socket, boost::asio::buffer(buffer));
                    }));
  return times;
}

double RawPair::window_per_second(std::size_t payload, std::size_t count, std::size_t window) {
  Socket s(socket_);
  const auto size = frame_bytes(payload);
  std::vector<char> buffer(std::max(buffer_bytes, window * size));
  s.order({static_cast<std::uint32_t>(size), 1, count});
  return static_cast<double>(count) / seconds_of([&] {
           auto to_send = count;
           std::size_t held = 0;  // bytes answered beyond whole frames
           boost::asio::write(s.socket,
                              boost::asio::buffer(buffer.data(), std::min(window, to_send) * size));
           to_send -= std::min(window, to_send);
           for (auto left = count * size; left > 0;) {
             const auto got = s.socket.read_some(
                 boost::asio::buffer(buffer.data(), std::min(buffer_bytes, left)));
             left -= got;
             held += got;
             const auto frames = std::min(held / size, to_send);  // as many as came back may go out
             held %= size;
             to_send -= frames;
             if (frames > 0)
               boost::asio::write(s.socket, boost::asio::buffer(buffer.data(), frames * size));
           }
         });
}

double RawPair::oneway_per_second(std::size_t payload, std::size_t count) {
  Socket s(socket_);
  const auto size = frame_bytes(payload);
  const auto per_write = std::max<std::size_t>(1, buffer_bytes / size);
  std::vector<char> buffer(per_write * size);
  s.order({static_cast<std::uint32_t>(size), 0, count});
  return static_cast<double>(count) / seconds_of([&] {
           for (auto left = count; left > 0;) {
             const auto now = std::min(left, per_write);
             boost::asio::write(s.socket, boost::asio::buffer(buffer.data(), now * size));
             left -= now;
           }
           char done = 0;
           boost::asio::read(s.socket, boost::asio::buffer(&done, 1));
         });
}

}  // namespace bench
