#include "last_words.hpp"

#include <algorithm>
#include <vector>

#include "coterie/sim/process.hpp"
#include "ledger_report.hpp"

namespace coterie::sim {
namespace {

constexpr std::size_t accounts_at_once = 12;  // some are in shards that the node leads
constexpr Duration until_cut = 30ms;          // leases are granted by then
constexpr Duration until_read = 1ms;
constexpr Duration until_dead = 20ms;
constexpr Duration check_limit = 120s;

}  // namespace

void LastWords::speak(std::size_t node, std::function<void()> then) {
  std::vector<std::string> accounts;
  for (std::size_t i = 0; i < accounts_at_once; ++i)
    accounts.push_back("last-" + std::to_string(accounts_++));
  for (const auto& account : accounts) read(node, account);
  const auto life = world_.disk(node).start;
  const auto lives = [this, node, life] {
    return world_.is_up(node) && world_.disk(node).start == life;
  };
  world_.after(until_cut, [=, this] {
    if (!lives()) return;
    for (std::size_t other = 0; other < world_.size(); ++other)
      if (other != node) world_.network().cut(node, other);
    for (const auto& account : accounts)
      world_.process(node).ask(
          {account, 0, 1, {}, world_.now() + 1s, [](std::uint8_t, std::int64_t) {}});
  });
  world_.after(until_cut + until_read, [=, this] {
    if (!lives()) return;
    for (const auto& account : accounts) read(node, account);
  });
  world_.after(until_cut + until_dead, std::move(then));
}

void LastWords::read(std::size_t node, const std::string& account) {
  world_.process(node).ask(
      {account, 1, 0, {}, world_.now() + 1s, [=, this](std::uint8_t status, std::int64_t value) {
         if (status == 0) shown_[account] = std::max(shown_[account], value);
       }});
}

void LastWords::read_again(const std::string& account) {
  world_.process(0).ask(
      {account, 1, 0, {}, world_.now() + 5s, [=, this](std::uint8_t status, std::int64_t value) {
         if (status == 0) found_[account] = value;
         else world_.after(100ms, [=, this] { read_again(account); });
       }});
}

std::string LastWords::check() {
  const auto shown = shown_;  // a last read may be answered while these are
  for (const auto& [account, value] : shown) read_again(account);
  if (!world_.run_until([&] { return found_.size() == shown.size(); }, check_limit))
    return "an account could not be read; " + unready(world_);
  for (const auto& [account, value] : shown)
    if (found_.at(account) < value) return account + " lost what a read has shown";
  return {};
}

}  // namespace coterie::sim
