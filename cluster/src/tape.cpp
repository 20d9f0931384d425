#include "coterie/cluster/tape.hpp"

#include "coterie/replication/crc32c.hpp"

namespace coterie::cluster {
namespace {

enum class SinkEffect : std::uint8_t {
  append,
  reset,
  replay,
  recover,
  complete,
  link,
  report,
  log,
  read,
  propose
};

}  // namespace

Tape::Tape(const Origin& origin, std::function<void(Bytes)> out) : out_(std::move(out)) {
  pending_ = to_bytes(view(tape_magic));
  open_entry();
  wire::MsgpackWriter writer(pending_);
  wire::write_value(writer, origin);
  close_entry();
}

void Tape::open_entry() {
  entry_ = pending_.size();
  pending_.resize(entry_ + tape_entry_head);
}

void Tape::close_entry() {
  const auto body = ByteView(pending_).subspan(entry_ + tape_entry_head);
  store_le(pending_.data() + entry_, static_cast<std::uint32_t>(body.size()));
  store_le(pending_.data() + entry_ + 4, replication::crc32c(body));
}

void Tape::end() {
  append_le(pending_, effects_.value());
  close_entry();
  if (pending_.size() >= tape_chunk_bytes || last_ - flushed_ >= tape_chunk_time) flush();
}

void Tape::flush() {
  flushed_ = last_;
  if (!pending_.empty()) out_(std::exchange(pending_, {}));
}

void HashingSink::append(replication::AppendRequest&& request) {
  hash_.add(SinkEffect::append);
  hash_.add(request);
  if (next_ != nullptr) next_->append(std::move(request));
}
void HashingSink::reset(ShardId shard) {
  hash_.add(SinkEffect::reset);
  hash_.add(shard);
  if (next_ != nullptr) next_->reset(shard);
}
void HashingSink::read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) {
  hash_.add(SinkEffect::read);
  hash_.add(token);
  hash_.add(shard);
  hash_.add(from);
  if (next_ != nullptr) next_->read(token, shard, from, bytes);
}
void HashingSink::propose(replication::Swap&& swap) {
  hash_.add(SinkEffect::propose);
  hash_.add(swap);
  if (next_ != nullptr) next_->propose(std::move(swap));
}
void HashingSink::replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) {
  hash_.add(SinkEffect::replay);
  hash_.add(token);
  hash_.add(shard);
  hash_.add(head);
  hash_.add(std::uint64_t{whole});
  if (next_ != nullptr) next_->replay(token, shard, head, whole);
}
void HashingSink::recover(std::uint64_t token, std::vector<ShardId> shards) {
  hash_.add(SinkEffect::recover);
  hash_.add(token);
  hash_.add(shards);
  if (next_ != nullptr) next_->recover(token, std::move(shards));
}
void HashingSink::complete(const Completion& completion) {
  hash_.add(SinkEffect::complete);
  hash_.add(completion);
  if (next_ != nullptr) next_->complete(completion);
}
void HashingSink::link(messaging::LinkEffect&& effect) {
  hash_.add(SinkEffect::link);
  hash_.add(effect);
  if (next_ != nullptr) next_->link(std::move(effect));
}
void HashingSink::report(const ShardStatus& status) {
  hash_.add(SinkEffect::report);
  hash_.add(status);
  if (next_ != nullptr) next_->report(status);
}
void HashingSink::log(LogEvent event) {
  hash_.add(SinkEffect::log);
  hash_.add(event);
  if (next_ != nullptr) next_->log(std::move(event));
}

NodeOutcome feed(NodeCore& core, const NodeInput& input, Instant now, Tape* tape) {
  if (tape == nullptr) return feed(core, input, now);
  std::visit([&](const auto& held) { tape->begin(input.index(), held, now); }, input);
  auto outcome = feed(core, input, now);
  tape->effects().add(outcome.effects);
  tape->end();
  return outcome;
}

}  // namespace coterie::cluster
