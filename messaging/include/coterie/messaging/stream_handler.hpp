/// What a host of stream connections tells its owner. Two worlds call it: TCP (transport/) and the
/// simulator's streams (sim/); tests/conformance/streams_test.cpp is the suite that both pass.
///
/// Contract: `connected` or `closed` answers a dial; bytes arrive in order, cut anywhere; `closed`
/// comes once, after every byte that was sent before an orderly end, and is the last call for its
/// connection; after the owner closed a connection it hears nothing more of it. Thread-safety:
/// called on the host's own thread.
#pragma once

#include "coterie/core/bytes.hpp"
#include "coterie/core/ids.hpp"

namespace coterie::messaging {

class StreamHandler {
 public:
  virtual ~StreamHandler() = default;
  virtual void accepted(ConnId id) = 0;
  virtual void connected(ConnId id) = 0;
  /// Answers how many bytes were consumed; the rest is offered again with more behind it.
  virtual std::size_t received(ConnId id, ByteView bytes) = 0;
  virtual void closed(ConnId id) = 0;
  /// Everything that was written has gone out.
  virtual void written(ConnId id) = 0;
  /// While true, nothing more is read from this connection; asked again after written().
  [[nodiscard]] virtual bool congested(ConnId id) = 0;
};

}  // namespace coterie::messaging
