#include "data_worker.hpp"

namespace coterie {

namespace shard_input = cluster::shard_input;

namespace {

Error error_of(const cluster::Completion& c) {
  std::optional<Duration> retry;
  if (c.retry_after_ms != 0) retry = std::chrono::milliseconds(c.retry_after_ms);
  return error(static_cast<Errc>(c.status), std::string(text(c.payload)), retry);
}

constexpr Duration wall_clock_interval = 1s;

transport::TcpLimits data_lane_limits() {
  transport::TcpLimits limits;
  limits.largest_message = wire::max_replication_frame_bytes + wire::max_frame_bytes;
  return limits;
}

}  // namespace

DataWorker::DataWorker(transport::EventLoop& loop, const cluster::ShardOrigin& origin,
                       const std::vector<sharding::EntityType>& types,
                       std::shared_ptr<storage::LmdbStripe> stripe,
                       std::atomic<std::uint64_t>& conn_ids, DataWorkerHooks hooks)
    : loop_(loop),
      hooks_(std::move(hooks)),
      tape_(hooks_.record ? std::make_unique<cluster::Tape>(origin, hooks_.record) : nullptr),
      core_(origin.config, types, Random(origin.seed), origin.now),
      tcp_(loop, *this, conn_ids, data_lane_limits(), [](const std::string&) {}),
      journal_(std::move(stripe),
               [this, alive = std::weak_ptr<bool>(alive_)] {
                 loop_.post([this, alive] {
                   if (!alive.expired()) read_journal();
                 });
               }),
      timer_(loop),
      mailbox_(loop, max_mailbox, [this](std::vector<MailboxAsk>& batch) { read_mailbox(batch); }) {
}

DataWorker::~DataWorker() = default;

void DataWorker::read_mailbox(std::vector<MailboxAsk>& batch) {
  const auto now = transport::EventLoop::now();
  for (auto& item : batch) {
    std::uint64_t token = 0;
    if (item.ask.wants_reply) {
      if (free_.empty()) {
        token = callbacks_.size();
        callbacks_.emplace_back();
      } else {
        token = free_.back();
        free_.pop_back();
      }
      callbacks_[token] = std::move(item.callback);
    }
    cluster::feed(core_,
                  shard_input::Ask{{.token = token,
                                    .type = item.ask.type,
                                    .id = item.ask.id,
                                    .tag = item.ask.tag,
                                    .payload = item.ask.payload,
                                    .deadline = item.deadline,
                                    .command = item.command,
                                    .wants_reply = item.ask.wants_reply,
                                    .waits = item.ask.options.when_full == WhenFull::wait}},
                  now, *this, tape_.get());
  }
  finish();
}

void DataWorker::read_journal() {
  for (auto& event : journal_.poll()) feed(shard_input::FromJournal{std::move(event)});
  finish();
}

void DataWorker::complete(const cluster::Completion& completion) {
  auto callback = std::move(callbacks_.at(completion.token));
  callbacks_[completion.token] = nullptr;
  free_.push_back(completion.token);
  if (!callback) return;
  try {
    if (completion.status != 0) callback(error_of(completion));
    else callback(RawReply{to_bytes(completion.payload), completion.epoch, completion.sequence});
  } catch (const std::exception& problem) {  // the user's code, on our thread
    hooks_.log(LogLevel::error, std::string("a then() callback threw: ") + problem.what());
  }
}

void DataWorker::link(messaging::LinkEffect&& effect) {
  if (auto* write = std::get_if<messaging::Write>(&effect))
    return tcp_.write(write->conn, std::move(write->bytes));
  if (const auto* dial = std::get_if<messaging::Connect>(&effect))
    return tcp_.dial(dial->conn, dial->to);
  if (const auto* close = std::get_if<messaging::Close>(&effect)) return tcp_.close(close->conn);
  if (const auto* stray = std::get_if<messaging::HandOff>(&effect))
    return tcp_.close(stray->conn);  // no worker of ours
}

void DataWorker::routes(cluster::RoutesPtr routes) {
  feed(shard_input::NewRoutes{std::move(routes)});
  finish();
}

void DataWorker::adopt(ConnId id, transport::Released released) {
  tcp_.adopt(id, std::move(released));
  finish();
}

void DataWorker::accepted(ConnId id) { feed(shard_input::LaneAccepted{id}); }

void DataWorker::connected(ConnId id) {
  feed(shard_input::LaneConnected{id});
  finish();
}

std::size_t DataWorker::received(ConnId id, ByteView bytes) {
  const auto consumed = feed(shard_input::LaneReceived{id, bytes});
  finish();
  return consumed;
}

void DataWorker::closed(ConnId id) {
  feed(shard_input::LaneClosed{id});
  finish();
}

void DataWorker::written(ConnId id) {
  feed(shard_input::LaneWritten{id});
  finish();
}

void DataWorker::finish() {
  send_appends();  // the disk works while the frames leave
  feed(shard_input::Flush{});
  send_appends();
  if (const auto now = transport::EventLoop::now(); now - wall_read_ >= wall_clock_interval) {
    wall_read_ = now;
    feed(shard_input::WallClock{transport::EventLoop::wall_offset_ms()});
  }
  const auto at = core_.next_deadline();
  if (at == timer_at_) return;
  timer_at_ = at;
  timer_.set(at, [this] { on_timer(); });
}

void DataWorker::on_timer() {
  timer_at_ = never;
  feed(shard_input::Tick{});
  finish();
}

void DataWorker::stop() {
  alive_.reset();
  tcp_.stop();
  timer_.set(never, {});
  tape_.reset();
  // Nobody will answer these any more: say so, or a get() would wait for ever.
  for (auto& callback : std::exchange(callbacks_, {}))
    if (callback)
      callback(
          error(Errc::unavailable, "this node stopped before the answer came; outcome unknown"));
  for (auto& item : mailbox_.close())
    if (item.callback) item.callback(error(Errc::unavailable, "this node has stopped", 100ms));
}

}  // namespace coterie
