/// Opt-in: Coterie on your own Boost.Asio io_context. Link your own Boost, 1.74 or newer, the same
/// that the library was built with. On GCC 12 with Boost 1.74 include <utility> before Asio.
#pragma once

#include <boost/asio/io_context.hpp>
#include <utility>

#include "coterie/membership.hpp"
#include "coterie/transport/asio_context.hpp"

namespace coterie {

/// Membership on `context`, which one thread runs; it must outlive the membership.
[[nodiscard]] inline Result<Membership> start_membership(boost::asio::io_context& context,
                                                         Config config) {
  return Membership::start_on(transport::loop_on(context), std::move(config));
}

}  // namespace coterie
