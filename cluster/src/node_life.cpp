/// Is this data directory the newest copy of itself? Each start has a random number, which follows
/// the one before it in the registers: who cannot name that one is an older copy, lacks what it
/// acknowledged since, and opens nothing. Source: placement contract, invariant 10;
/// docs/adr/0012-lives.md.
#include "coterie/cluster/node_core.hpp"
#include "coterie/core/mutation.hpp"

namespace coterie::cluster {
namespace {

constexpr Duration ask_again_after = 1s;
/// No start has this number: a swap that expects it loses, and its answer tells which one has.
constexpr Epoch question{UINT64_MAX};

}  // namespace

/// One step each time; every step may be repeated, and is.
void NodeCore::tick_life(Instant now, NodeEffects& out) {
  if (life_.step == Life::Step::known || life_.step == Life::Step::refused) return;
  if (config_.entity_types == 0 || !cluster_.is_set() || old_copy_) return;
  if (const auto seen = std::exchange(life_.seen, std::nullopt)) on_life(*seen, out);
  const bool swaps = life_.step == Life::Step::swap;
  const bool asks = life_.step == Life::Step::ask || life_.step == Life::Step::doubted;
  if ((!swaps && !asks) || now < life_.ask_at) return;
  life_.ask_at = now + ask_again_after;
  replication::Register desired{.epoch = Epoch{life_.token},
                                .primary = config_.name,
                                .start = config_.start,
                                .disk = config_.stored.disk};
  submit({{replication::life_register, swaps ? life_.before : question, std::move(desired)}}, now,
         out);
}

/// What the registers hold for this directory; 0: nothing yet.
void NodeCore::on_life(Epoch current, NodeEffects& out) {
  const auto is = [&](std::uint64_t number) { return number != 0 && current.value == number; };
  if (life_.step == Life::Step::ask) {
    const bool ours = current == Epoch{} || is(config_.stored.confirmed_life) ||
                      is(config_.stored.tried_life) ||
                      mutated("node: an older copy is taken for the newest");
    if (!ours) return refuse_life(out);
    keep_life(current, out);
  } else if (life_.step == Life::Step::doubted) {
    if (!is(life_.token)) return refuse_life(out);
    life_.cleared = life_.doubted;
    life_.step = Life::Step::known;
    table_changed();
  } else if (life_.step == Life::Step::swap) {
    if (is(life_.token)) {
      life_.step = Life::Step::known;
      table_changed();
    } else if (is(config_.stored.confirmed_life) || is(config_.stored.tried_life)) {
      keep_life(current, out);  // the last start's own swap came late
    } else if (current != life_.before) {
      refuse_life(out);
    }
  }
}

/// A later life of this directory was named to lead. That is an older copy's, refused since, or a
/// process on a copy of it that was confirmed after us: then this one is the older.
void NodeCore::doubt_life(StartId other) {
  if (other <= life_.cleared) return;
  life_.doubted = std::max(life_.doubted, other);
  life_.step = Life::Step::doubted;
  life_.seen.reset();
  life_.ask_at = {};
}

void NodeCore::keep_life(Epoch current, NodeEffects& out) {
  if (life_.step == Life::Step::swap && current == life_.before) return;
  life_.before = current;
  life_.step = Life::Step::keep;
  out.emplace_back(PersistLife{.confirmed = current.value, .tried = life_.token});
}

NodeEffects NodeCore::life_persisted(Instant now) {
  if (life_.step == Life::Step::keep) {
    life_.step = Life::Step::swap;
    life_.ask_at = {};
  }
  return finish({}, now);
}

void NodeCore::refuse_life(NodeEffects& out) {
  life_.step = Life::Step::refused;
  old_copy_ = true;
  out.emplace_back(Stop{error(
      Errc::configuration,
      "this data directory is an older copy of itself, or another process runs on a copy of it: "
      "the registers know a start of it that it does not, so it lacks what it acknowledged since. "
      "Put the newest copy back; if the others are well, an empty directory learns everything "
      "from them (unless it is the registers that were restored: docs/OPERATIONS.md)")});
}

}  // namespace coterie::cluster
