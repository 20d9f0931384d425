#include "coterie/sim/data_worker.hpp"

#include "coterie/wire/msgpack_reader.hpp"
#include "coterie/wire/msgpack_writer.hpp"

namespace coterie::sim {
namespace {

constexpr std::size_t max_asks = 65'536;     // as in production
constexpr std::size_t max_snapshots = 1024;  // far more than a run publishes in routes_delay
constexpr std::size_t few_snapshots = 3;
constexpr Duration ask_delay = 50us;
constexpr Duration routes_delay = 800ms;  // long, so that callers meet stale routes

}  // namespace

DataWorker::DataWorker(World& world, std::size_t node, Disk& disk,
                       const cluster::ShardOrigin& origin, Random random, DataWorkerHooks hooks)
    : world_(world),
      random_(random.split()),
      hooks_(std::move(hooks)),
      tape_(hooks_.record ? std::make_unique<cluster::Tape>(origin, hooks_.record) : nullptr),
      core_(origin.config, account_types(), Random(origin.seed), origin.now),
      streams_(world, node, *this,
               {.largest_message = wire::max_replication_frame_bytes + wire::max_frame_bytes}),
      journal_(
          disk,
          [this](Duration delay, std::function<void()> task) {
            world_.after(delay, [alive = std::weak_ptr<bool>(alive_), task = std::move(task)] {
              if (!alive.expired()) task();
            });
          },
          [this] {
            for (auto& event : journal_.poll())
              feed(cluster::shard_input::FromJournal{std::move(event)});
            finish();
          }),
      asks_(world, max_asks, ask_delay, random.split(),
            [this](std::vector<AccountAsk>& batch) {
              for (auto& ask : batch) take(ask);
              finish();
            }),
      snapshots_(world, max_snapshots, routes_delay, random.split(),
                 [this](std::vector<cluster::RoutesPtr>& batch) {
                   // Each as in production, or, where there are many, now and then the last.
                   if (batch.size() > few_snapshots && random_.chance(0.9))
                     batch.erase(batch.begin(), batch.end() - 1);
                   for (auto& routes : batch)
                     feed(cluster::shard_input::NewRoutes{std::move(routes)});
                   finish();
                 }),
      timer_(world) {}

DataWorker::~DataWorker() { world_.count(core_.counters()); }

void DataWorker::ask(AccountAsk ask) { COTERIE_ENSURE(asks_.put(std::move(ask))); }

void DataWorker::take(AccountAsk& ask) {
  const auto token = next_token_++;
  answers_[token] = std::move(ask.answer);
  Bytes payload;
  wire::MsgpackWriter(payload).signed_integer(ask.cents);
  feed(cluster::shard_input::Ask{{.token = token,
                                  .type = account_type_of(ask.account).id,
                                  .id = ask.account,
                                  .tag = ask.tag,
                                  .payload = payload,
                                  .deadline = ask.deadline,
                                  .command = ask.id,
                                  .waits = ask.waits}});
}

void DataWorker::routes(cluster::RoutesPtr routes) {
  COTERIE_ENSURE(snapshots_.put(std::move(routes)));
}

void DataWorker::adopt(ConnId conn, StreamHost::Released released) {
  streams_.adopt(conn, released);
  finish();
}

void DataWorker::complete(const cluster::Completion& completion) {
  world_.trace_hash().add(completion.token);
  world_.trace_hash().add(completion.status);
  const auto found = answers_.find(completion.token);
  if (found == answers_.end()) return;
  const auto answer = std::move(found->second);
  answers_.erase(found);
  wire::MsgpackReader in(completion.payload);
  answer(completion.status, completion.status == 0 ? in.signed_integer() : 0);
}

void DataWorker::append(replication::AppendRequest&& request) {
  world_.trace_hash().add(request.record);
  appends_.push_back(std::move(request));
}

void DataWorker::send_appends() {
  if (!appends_.empty()) journal_.append(std::exchange(appends_, {}));
}

void DataWorker::link(messaging::LinkEffect&& effect) {
  if (const auto* dial = std::get_if<messaging::Connect>(&effect))
    streams_.dial(dial->conn, dial->to);
  if (auto* write = std::get_if<messaging::Write>(&effect)) {
    world_.trace_hash().add(write->bytes);
    streams_.write(write->conn, std::move(write->bytes));
  }
  if (const auto* close = std::get_if<messaging::Close>(&effect)) streams_.close(close->conn);
  if (const auto* stray = std::get_if<messaging::HandOff>(&effect)) streams_.close(stray->conn);
}

void DataWorker::accepted(ConnId id) { feed(cluster::shard_input::LaneAccepted{id}); }

void DataWorker::connected(ConnId id) {
  feed(cluster::shard_input::LaneConnected{id});
  finish();
}

std::size_t DataWorker::received(ConnId id, ByteView bytes) {
  const auto consumed = feed(cluster::shard_input::LaneReceived{id, bytes});
  finish();
  return consumed;
}

void DataWorker::closed(ConnId id) {
  feed(cluster::shard_input::LaneClosed{id});
  finish();
}

void DataWorker::written(ConnId id) {
  feed(cluster::shard_input::LaneWritten{id});
  finish();
}

void DataWorker::finish() {
  send_appends();
  feed(cluster::shard_input::Flush{});
  send_appends();
  timer_.set(core_.next_deadline(), [this] {
    feed(cluster::shard_input::Tick{});
    finish();
  });
}

}  // namespace coterie::sim
