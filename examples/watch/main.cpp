#include <coterie/coterie.hpp>
#include <iostream>

int main(int argc, char** argv) {
  auto node = coterie::Node::start(coterie::config_from(argc, argv)).value();
  node.watch([](const coterie::PoolEvent& event) {
    if (const auto* change = std::get_if<coterie::MemberEvent>(&event))
      std::cout << change->member.name << " is " << change->member.state << std::endl;
  });
  return node.run_until_signal();
}
