#include <algorithm>
#include <set>

#include "coterie/sim/membership_runs.hpp"
#include "coterie/sim/pool.hpp"

namespace coterie::sim {
namespace {

constexpr Duration warm_up = 15s;
constexpr Duration faulty_for = 180s;
constexpr Duration flip = 20s;  // on and off, in Rapid's flip-flop experiment
constexpr Duration patience = 300s;
constexpr Duration look = 500ms;

struct FaultCase {
  const char* name;
  double in, out;
  bool flips;
  const char* others;
};
constexpr FaultCase cases[] = {
    {"deaf, 20 s on and off", 1, 0, true, "Rapid: exactly them; memberlist: never all"},
    {"mute, 20 s on and off", 0, 1, true, ""},
    {"80 % of what they send is lost", 0, 0.8, false, "Rapid: exactly them; memberlist: never"},
    {"80 % of what they hear is lost", 0.8, 0, false, ""},
};

/// One run of one case.
class Run {
 public:
  Run(const FaultCase& which, std::size_t nodes, std::uint64_t seed)
      : which_(which),
        pool_({.nodes = nodes, .seed = seed}),
        bad_(std::max<std::size_t>(1, nodes / 100)),
        gone_(nodes) {}

  void go() {
    pool_.run_until(pool_.now() + warm_up);
    began_ = pool_.now();
    pool_.on_state = [this](std::size_t observer, const membership::Member& about) {
      count(observer, about);
    };
    while (pool_.now() < began_ + faulty_for) {
      break_network(true);
      pool_.run_until(pool_.now() + flip);
      if (which_.flips) break_network(false);
      pool_.run_until(pool_.now() + flip);
    }
    break_network(false);
    repaired_ = true;
    const auto mended = pool_.now();
    while (!pool_.all_alive() && pool_.now() < mended + patience)
      pool_.run_until(pool_.now() + look);
    back_s = in_seconds(pool_.now() - mended);
  }

  double removed_s = in_seconds(patience);  ///< until every good member saw every bad one gone
  std::size_t healthy_deaths = 0;           ///< seen by a good member
  std::size_t returns = 0;                  ///< a bad one was alive again although it was still bad
  double back_s = 0;                        ///< from the repair until all saw all alive

 private:
  void break_network(bool broken) {
    for (std::size_t i = 0; i < bad_; ++i)
      pool_.set_loss(i, broken ? which_.in : 0, broken ? which_.out : 0);
  }
  void count(std::size_t observer, const membership::Member& about) {
    if (observer < bad_ || repaired_) return;
    const auto who = static_cast<std::size_t>(std::stoul(about.name.substr(1)));
    const bool dead = about.state == membership::MemberState::dead;
    if (who >= bad_) return void(healthy_deaths += dead ? 1 : 0);
    if (dead) gone_[observer].insert(who);
    else if (gone_[observer].erase(who) > 0) ++returns;
    if (dead && removed_s == in_seconds(patience) &&
        std::all_of(gone_.begin() + static_cast<std::ptrdiff_t>(bad_), gone_.end(),
                    [&](const auto& gone) { return gone.size() == bad_; }))
      removed_s = in_seconds(pool_.now() - began_);
  }

  const FaultCase& which_;
  Pool pool_;
  std::size_t bad_;
  std::vector<std::set<std::size_t>> gone_;  ///< of each observer: the bad ones it saw die
  Instant began_{};
  bool repaired_ = false;
};

}  // namespace

Figures run_rapid_faults(const std::vector<std::size_t>& sizes, const ExperimentOptions& options) {
  Figures out;
  for (const auto nodes : sizes)
    for (const auto& which : cases) {
      std::vector<double> removed, back;
      double healthy = 0, returns = 0;
      for (std::uint64_t i = 0; i < options.runs; ++i) {
        Run run(which, nodes, options.first_seed + i);
        run.go();
        removed.push_back(run.removed_s);
        back.push_back(run.back_s);
        healthy += static_cast<double>(run.healthy_deaths);
        returns += static_cast<double>(run.returns);
      }
      const auto name = std::string(which.name) + ", " + std::to_string(nodes) + " members: ";
      out.push_back({name + "all of them gone, worst", worst(removed), "s", 60, which.others});
      out.push_back({name + "deaths of healthy members", healthy, "", 0, "", true});
      out.push_back({name + "returns meanwhile", returns, "", 0, "", true});
      out.push_back({name + "all back after the repair, worst", worst(back), "s", 0, ""});
    }
  return out;
}

}  // namespace coterie::sim
