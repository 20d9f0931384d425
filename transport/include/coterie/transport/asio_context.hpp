/// An EventLoop on a context that its owner runs, on one thread. Names Asio only by a declaration.
#pragma once

#include <memory>

#include "coterie/transport/event_loop.hpp"

namespace boost::asio {
class io_context;
}

namespace coterie::transport {

[[nodiscard]] std::unique_ptr<EventLoop> loop_on(boost::asio::io_context& context);

}  // namespace coterie::transport
