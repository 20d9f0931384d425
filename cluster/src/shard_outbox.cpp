#include "coterie/cluster/shard_outbox.hpp"

#include <algorithm>

namespace coterie::cluster {

namespace shard_log = replication::shard_log;

namespace {

std::size_t bytes_of_records(const shard_log::Message& message) {
  std::size_t bytes = 0;
  if (const auto* append = std::get_if<shard_log::Append>(&message.body))
    for (const auto& entry : append->entries) bytes += entry.record.size();
  return bytes;
}

}  // namespace

void ShardOutbox::add(messaging::LaneId lane, ShardId shard, const shard_log::Message& message,
                      messaging::Links& links) {
  auto batch = std::find_if(batches_.begin(), batches_.end(), [&](const Batch& b) {
    return b.lane == lane && b.to == message.to && b.from == message.from;
  });
  const bool full =
      batch != batches_.end() &&
      batch->body.bytes().size() + bytes_of_records(message) > shard_log::max_batch_bytes;
  if (full) {
    stage(*batch, links);
    batch->body = {message.from, message.to};
  } else if (batch == batches_.end()) {
    batches_.push_back({lane, message.from, message.to, {message.from, message.to}});
    batch = batches_.end() - 1;
  }
  batch->body.add(shard, message);
}

void ShardOutbox::stage(const Batch& batch, messaging::Links& links) {
  links.stage_control(batch.lane, wire::FrameKind::shard_log, batch.body.bytes());
}

void ShardOutbox::flush(messaging::Links& links) {
  for (const auto& batch : batches_) stage(batch, links);
  batches_.clear();
}

}  // namespace coterie::cluster
