#include "coterie/sim/ledger_run.hpp"

#include <algorithm>
#include <map>

#include "coterie/sim/process.hpp"
#include "coterie/sim/world.hpp"
#include "fault_injector.hpp"
#include "ledger_checks.hpp"
#include "ledger_report.hpp"

namespace coterie::sim {
namespace {

constexpr double usual_loss = 0.02;
/// Short histories are cheap and many; what needs many faults on top of each other, the long ones
/// find.
constexpr std::uint64_t long_every = 4;
constexpr Duration short_faults = 8s, long_faults = 20s;
constexpr std::size_t short_deposits = 120, long_deposits = 300;
constexpr std::size_t clients = 8;
constexpr std::size_t stream_length = 40;
constexpr Duration settle_limit = 120s;  // of quiet after the last fault: L6's bound

constexpr std::uint64_t nodes_cycle = 16;  // seeds, until the numbers of nodes come again

/// With three nodes every node has every copy; with more, copies move as well.
std::size_t nodes_of(std::uint64_t seed) {
  constexpr std::size_t usual[] = {3, 3, 4, 5};
  return seed % nodes_cycle == nodes_cycle - 1 ? 7 : usual[seed % 4];
}
/// To wait until the shards are even takes as long as all the rest: not every seed does.
constexpr std::uint64_t even_every = 5;
constexpr std::uint64_t damage_every = 4;
constexpr std::uint64_t leases_every = 2;
constexpr Duration read_lease = 100ms;
constexpr std::uint64_t old_copy_every = 11;
constexpr std::uint64_t trims_every = 3;
constexpr std::uint64_t repeats_every = 9;  // of those that trim
constexpr std::size_t repeats = 20;
constexpr std::uint64_t little_history = 512;  // bytes: a few deposits
constexpr std::size_t deposits_since = 30;
constexpr std::uint64_t leave_every = 8;  // the pool alone; its own runs are membership_runs.hpp

class LedgerRun {
 public:
  LedgerRun(std::uint64_t seed, const RunOptions& options)
      : world_({.seed = seed,
                .nodes = nodes_of(seed),
                .network = {.datagram_loss = usual_loss},
                .disk = {},
                .read_lease = seed / leases_every % 2 == 0 ? read_lease : Duration{},
                .history_bytes = seed % trims_every == 1 ? little_history : 0,
                .record = options.record}),
        random_(seed ^ 0x1edce5),
        faults_(world_, random_.split()),
        nodes_(world_.size()),
        waits_for_even_(seed % even_every == 0),
        damages_(seed % damage_every == 0),
        old_copy_(seed % old_copy_every == 0),
        repeats_(seed % repeats_every == 1),
        leaves_(seed / nodes_cycle % leave_every == 0),
        long_(seed / nodes_cycle % long_every == long_every - 1),
        deposits_(long_ ? long_deposits : short_deposits),
        only_(options.only) {
    result_.faults = draw_faults(Random(seed ^ 0xfa017), nodes_, faults_for());
  }

  RunResult run() {
    for (std::size_t i = 0; i < nodes_; ++i) world_.start(i);
    if (!world_.run_until([&] { return all_ready(world_); }, 60s))
      return fail("the cluster did not form within 60 s");
    for (std::size_t i = 0; i < clients; ++i) next_deposit();
    stream();
    schedule_faults();
    look();
    // Faults stop after a while; then everything must finish.
    world_.run_for(faults_for());
    faults_over_ = true;
    faults_.end(usual_loss);
    if (!world_.run_until([&] { return result_.acknowledged == deposits_ && all_ready(world_); },
                          settle_limit))
      return fail("after the faults only " + std::to_string(result_.acknowledged) + " of " +
                  std::to_string(deposits_) + " deposits were acknowledged; " + unready(world_));
    if (problem_.empty()) problem_ = end_wishes(world_);
    if (!problem_.empty()) return fail(problem_);
    if (damages_) problem_ = damage_and_repair(world_, random_, result_.damages);
    if (!problem_.empty()) return fail(problem_);
    if (old_copy_ && problem_.empty()) problem_ = old_copy_returns();
    if (!problem_.empty()) return fail(problem_);
    if (repeats_) problem_ = repeat_old_commands();
    if (!problem_.empty()) return fail(problem_);
    check_balances();
    if (problem_.empty()) problem_ = check_flow(world_);
    if (problem_.empty()) problem_ = check_snapshots(world_, result_.snapshots);
    result_.trimmed = trimmed_logs(world_);
    if (problem_.empty()) problem_ = faults_.check();
    if (problem_.empty() && waits_for_even_) problem_ = check_even(world_);
    if (problem_.empty() && leaves_) problem_ = check_leave(world_);
    if (!problem_.empty()) return fail(problem_);
    result_.passed = true;
    return finish();
  }

 private:
  [[nodiscard]] Duration faults_for() const { return long_ ? long_faults : short_faults; }
  void next_deposit() {
    if (started_ >= deposits_) return;
    const auto number = ++started_;
    accounts_.push_back("acc-" + std::to_string(random_.below(std::uint64_t{20})));
    attempt(number, accounts_.back());
  }

  /// All start from the logs that are left and hear old commands again: none has its effect twice.
  std::string repeat_old_commands() {
    for (std::size_t i = 0; i < nodes_; ++i) world_.kill(i, true);
    for (std::size_t i = 0; i < nodes_; ++i) world_.start(i);
    for (std::size_t i = 0; i < repeats; ++i) repeat(1 + random_.below(started_));
    const auto done = [&] { return result_.repeated == repeats; };
    if (world_.run_until(done, settle_limit)) return {};
    return "old commands are not answered; " + unready(world_);
  }

  void repeat(std::uint64_t number) {
    world_.process(*world_.any_node(random_))
        .ask({accounts_.at(number - 1), 0, 1, CommandId{7, number}, world_.now() + 2s,
              [=, this](std::uint8_t status, std::int64_t) {
                if (status == 0) ++result_.repeated;
                else world_.after(100ms, [=, this] { repeat(number); });
              }});
  }

  /// Commands of one sender to one entity, without waiting and without repeating: of those that are
  /// answered each comes before the next (invariant 13), whoever leads the shard meanwhile and
  /// however many of its owners fall.
  void stream() {
    if (faults_over_) return;
    world_.after(400ms + random_.below(Duration{1s}), [this] { stream(); });
    const auto sender = world_.any_node(random_);
    if (!sender) return;
    send_next(std::make_shared<Stream>(
        Stream{.account = std::string(streams_ % 2 == 0 ? remembered_prefix : "plain-") +
                          std::to_string(streams_),
               .node = *sender,
               .life = world_.disk(*sender).start}));
    ++streams_;
  }

  struct Stream {
    std::string account{};
    std::size_t node{};
    StartId life{};
    std::size_t sent = 0;
    std::vector<std::int64_t> balances = std::vector<std::int64_t>(stream_length);  ///< 0: none yet
  };

  void send_next(const std::shared_ptr<Stream>& stream) {
    if (stream->sent == stream_length || !world_.is_up(stream->node) ||
        world_.disk(stream->node).start != stream->life)
      return;
    world_.process(stream->node)
        .ask({stream->account, 0, 1, CommandId{9, ++streamed_}, world_.now() + 2s,
              [this, stream, i = stream->sent](std::uint8_t status, std::int64_t balance) {
                if (status == 0) check_order(*stream, i, balance);
              },
              streams_ % 2 == 0});
    ++stream->sent;
    world_.after(random_.below(Duration{40ms}), [this, stream] { send_next(stream); });
  }

  void check_order(Stream& stream, std::size_t i, std::int64_t balance) {
    ++result_.ordered;
    stream.balances[i] = balance;
    for (std::size_t j = 0; j < stream_length; ++j)
      if (const auto other = stream.balances[j];
          other != 0 && j != i && (j < i) != (other < balance))
        problem_ = "commands of one sender to " + stream.account + " overtook each other";
  }

  /// Through any node, with the same command id, until it is acknowledged.
  void attempt(std::uint64_t number, const std::string& account) {
    ++result_.attempts;
    const auto through = world_.any_node(random_);
    if (!through) return world_.after(100ms, [=, this] { attempt(number, account); });
    const auto done = std::make_shared<bool>(false);
    const auto retry = [=, this] {
      if (!std::exchange(*done, true)) world_.after(50ms, [=, this] { attempt(number, account); });
    };
    world_.process(*through).ask({account, 0, 1, CommandId{7, number}, world_.now() + 2s,
                                  [=, this](std::uint8_t status, std::int64_t) {
                                    if (status != 0) return retry();
                                    if (std::exchange(*done, true)) return;
                                    ++result_.acknowledged;
                                    ++expected_[account];
                                    world_.after(random_.below(Duration{300ms}),
                                                 [this] { next_deposit(); });
                                  }});
    world_.after(3s, retry);  // the asked process may have died with the answer
  }

  void look() {
    if (faults_over_) return;
    world_.after(random_.below(Duration{100ms}), [this] { look(); });
    if (expected_.empty()) return;
    auto account = expected_.begin();
    std::advance(account, random_.below(std::uint64_t{expected_.size()}));
    look_at(account->first);
  }

  /// A read that begins after a deposit was acknowledged sees it (invariant 9), and what an earlier
  /// read saw, whoever answers.
  void look_at(const std::string& name) {
    const auto through = world_.any_node(random_);
    if (!through) return;
    const auto floor = std::max(expected_[name], seen_[name]);
    world_.process(*through).ask(
        {name, 1, 0, {}, world_.now() + 2s, [=, this](std::uint8_t status, std::int64_t value) {
           if (status != 0) return;
           ++result_.looks;
           seen_[name] = std::max(seen_[name], value);
           if (value < floor) problem_ = "a read of " + name + " missed what was known before";
         }});
  }

  void schedule_faults() {
    for (std::size_t i = 0; i < result_.faults.size(); ++i)
      if (!only_ || std::find(only_->begin(), only_->end(), i) != only_->end())
        world_.after(result_.faults[i].at,
                     [this, fault = result_.faults[i]] { faults_.inject(fault); });
  }

  /// What was acknowledged since the copy was made is not on it.
  std::string old_copy_returns() {
    if (auto problem = wait_in_sync(world_); !problem.empty()) return problem;
    const auto node = 1 + random_.below(std::uint64_t{nodes_ - 1});  // the first has no seeds
    world_.kill(node, false);
    const auto older = world_.disk(node);
    world_.start(node);
    deposits_ += deposits_since;
    for (std::size_t i = 0; i < clients; ++i) next_deposit();
    if (!world_.run_until([&] { return result_.acknowledged == deposits_; }, settle_limit))
      return "not all deposits were acknowledged; " + unready(world_);
    if (auto problem = wait_in_sync(world_); !problem.empty()) return problem;
    ++result_.old_copies;
    return refuse_and_replace(world_, random_, older, node);
  }

  void check_balances() {
    for (const auto& [account, count] : expected_) read(account, count);
    if (!world_.run_until([&] { return read_ == expected_.size(); }, settle_limit) &&
        problem_.empty())
      problem_ = "an account could not be read: " + last_failure_ + "; " + unready(world_);
  }

  void read(const std::string& account, std::int64_t count) {
    world_.process(0).ask(
        {account, 1, 0, {}, world_.now() + 5s, [=, this](std::uint8_t status, std::int64_t value) {
           if (status != 0) {
             last_failure_ = account + ": " + make_error_code(static_cast<Errc>(status)).message();
             return world_.after(100ms, [=, this] { read(account, count); });
           }
           ++read_;
           if (value < count)
             problem_ = account + " lost " + std::to_string(count - value) + " acknowledged cents";
           if (value < seen_[account]) problem_ = account + " lost what a read has shown";
           if (value > count)
             problem_ = account + " has " + std::to_string(value - count) + " cents too many";
         }});
  }

  RunResult fail(const std::string& problem) {
    result_.problem = problem;
    return finish();
  }
  RunResult finish() {
    for (std::size_t i = 0; i < nodes_; ++i)
      if (world_.is_up(i)) world_.kill(i, false);  // each counts at its end
    result_.happened = faults_.happened();
    result_.counters = world_.counters();
    result_.trace = world_.trace();
    result_.events = world_.events();
    result_.tapes = world_.tapes();
    return result_;
  }

  World world_;
  Random random_;
  FaultInjector faults_;
  std::size_t nodes_;
  bool waits_for_even_, damages_, old_copy_, repeats_, leaves_, long_;
  std::size_t deposits_;
  std::optional<std::vector<std::size_t>> only_;
  RunResult result_{};
  std::map<std::string, std::int64_t> expected_{}, seen_{};
  std::vector<std::string> accounts_{};  ///< of each deposit
  std::size_t read_ = 0;
  std::uint64_t started_ = 0, streams_ = 0, streamed_ = 0;
  bool faults_over_ = false;
  std::string problem_{};
  std::string last_failure_{};
};

}  // namespace

RunResult run_ledger(std::uint64_t seed, const RunOptions& options) {
  return LedgerRun(seed, options).run();
}

}  // namespace coterie::sim
