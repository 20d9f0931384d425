#include "coterie/membership/path_mtu.hpp"

#include <algorithm>

namespace coterie::membership {

std::size_t PathMtu::bytes(const Address& peer, Instant now) const {
  const auto found = paths_.find(peer);
  return found == paths_.end() || found->second.until <= now ? configured_ : found->second.bytes;
}

PathMtu::Path& PathMtu::path(const Address& peer, Instant now) {
  if (paths_.size() >= max_narrow_paths && !paths_.contains(peer))
    paths_.erase(std::min_element(paths_.begin(), paths_.end(), [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;
    }));
  auto& path = paths_[peer];
  if (path.until <= now) path = {.bytes = configured_, .until = now + narrow_for};
  return path;
}

void PathMtu::narrow(Path& path, Instant now) {
  path.bytes =
      path.bytes > usual_datagram ? usual_datagram : std::min(path.bytes, smallest_datagram);
  path.losses = 0;
  path.until = now + narrow_for;
}

void PathMtu::refused(const Address& peer, Instant now) { narrow(path(peer, now), now); }

void PathMtu::arrived(const Address& peer, std::size_t size) {
  const auto found = paths_.find(peer);
  if (found != paths_.end() && size > smallest_datagram) found->second.losses = 0;
}

void PathMtu::lost(const Address& peer, std::size_t size, Instant now) {
  if (size <= smallest_datagram) return;
  auto& known = path(peer, now);
  if (++known.losses >= losses_to_narrow) narrow(known, now);
}

}  // namespace coterie::membership
