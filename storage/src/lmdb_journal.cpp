#include "coterie/storage/lmdb_journal.hpp"

#include "lmdb_stripe.hpp"

namespace coterie::storage {

LmdbStripe::LmdbStripe(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LmdbStripe::~LmdbStripe() = default;

Result<std::shared_ptr<LmdbStripe>> LmdbStripe::open(StripeConfig config) {
  auto impl = std::make_unique<Impl>();
  impl->config = std::move(config);
  auto env = open_env(impl->config.file, impl->config.map_bytes);
  if (!env) return env.error();
  impl->env = std::move(*env);
  if (const auto ours = impl->check_owner(); !ours) return ours.error();
  if (const auto loaded = impl->load(); !loaded) return loaded.error();
  impl->start();
  return std::shared_ptr<LmdbStripe>(new LmdbStripe(std::move(impl)));
}

StripeCounters LmdbStripe::counters() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->counters;
}

LmdbJournal::LmdbJournal(std::shared_ptr<LmdbStripe> stripe, std::function<void()> wake)
    : stripe_(std::move(stripe)), port_(std::make_shared<Port>()) {
  port_->wake = std::move(wake);
}

LmdbJournal::~LmdbJournal() {
  const std::lock_guard lock(port_->mutex);
  port_->wake = nullptr;  // the stripe may outlive this worker
  port_->taken.notify_all();
}

void LmdbJournal::append(std::vector<replication::AppendRequest> requests) {
  auto& impl = *stripe_->impl_;
  {
    const std::lock_guard lock(impl.mutex);
    for (auto& request : requests)
      impl.writes.push_back({.port = port_, .request = std::move(request)});
  }
  impl.write_ready.notify_one();
}

void LmdbJournal::reset(ShardId shard) {
  auto& impl = *stripe_->impl_;
  {
    const std::lock_guard lock(impl.mutex);
    impl.writes.push_back({.port = port_, .request = {.shard = shard}, .reset = true});
  }
  impl.write_ready.notify_one();
}

void LmdbJournal::replay(std::uint64_t token, ShardId shard, LogIndex head, bool whole) {
  auto& impl = *stripe_->impl_;
  {
    const std::lock_guard lock(impl.mutex);
    impl.reads.push_back(
        {.port = port_, .token = token, .shard = shard, .at = head, .whole = whole});
  }
  impl.read_ready.notify_one();
}

/// Behind what was asked for before: a trim on its way would move what is being read.
void LmdbJournal::recover(std::uint64_t token, std::vector<ShardId> shards) {
  auto& impl = *stripe_->impl_;
  {
    const std::lock_guard lock(impl.mutex);
    impl.writes.push_back(
        {.port = port_,
         .then = std::make_unique<LmdbStripe::Impl::ReadJob>(LmdbStripe::Impl::ReadJob{
             .port = port_, .token = token, .recover = std::move(shards)})});
  }
  impl.write_ready.notify_one();
}

void LmdbJournal::read(std::uint64_t token, ShardId shard, LogIndex from, std::size_t bytes) {
  auto& impl = *stripe_->impl_;
  {
    const std::lock_guard lock(impl.mutex);
    impl.reads.push_back(
        {.port = port_, .token = token, .shard = shard, .at = from, .bytes = bytes});
  }
  impl.read_ready.notify_one();
}

std::vector<replication::JournalEvent> LmdbJournal::poll() {
  std::vector<Bytes> spent;  // freed here, after the lock
  const std::lock_guard lock(port_->mutex);
  spent.swap(port_->spent);
  port_->taken.notify_all();
  return std::exchange(port_->events, {});
}

}  // namespace coterie::storage
