#include <cstdio>

#include "commands.hpp"
#include "coterie/coterie.hpp"

namespace coterie::tools {

/// Membership and management; registers no entity type and so takes no shards.
int run_agent(int argc, const char* const* argv) {
  auto node = Node::start(config_from(argc, argv));
  if (!node) {
    std::fprintf(stderr, "coterie agent: %s\n", node.error().detail.c_str());
    return 1;
  }
  std::printf("gossip %s, link %s, management http://%s\n", node->gossip_address().c_str(),
              node->link_address().c_str(), node->management_address().c_str());
  std::fflush(stdout);
  return node->run_until_signal();
}

}  // namespace coterie::tools
