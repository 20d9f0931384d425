#include "pool_bridge.hpp"

#include "coterie/core/address.hpp"
#include "coterie/membership/serf.hpp"
#include "coterie/transport/event_loop.hpp"

namespace coterie {

MemberView view_of(const membership::Member& member) {
  return {.name = member.name,
          .gossip = to_string(member.gossip),
          .state = std::string(membership::to_string(member.state)),
          .incarnation = member.incarnation.value,
          .tags = membership::SerfLayer::decode_tags(member.meta)};
}

std::vector<MemberView> PoolBridge::members() const {
  const std::lock_guard lock(mutex_);
  std::vector<MemberView> out;
  for (const auto& [name, member] : members_) out.push_back(member);
  return out;
}

gossip::SharedView PoolBridge::shared(const gossip::SharedKey& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = shared_.find(key);
  return found == shared_.end() ? gossip::SharedView{} : found->second;
}

void PoolBridge::on(const membership::SharedChanged& changed) {
  {
    const std::lock_guard lock(mutex_);
    shared_[changed.value.key] = changed.value;
  }
  publish(SharedEvent{changed.value.key.name});
}

std::shared_ptr<PoolQueue> PoolBridge::subscribe() {
  auto queue = std::make_shared<PoolQueue>();
  const std::lock_guard lock(mutex_);
  for (const auto& [name, member] : members_) queue->put(MemberEvent{member});
  if (closed_) queue->close();
  queues_.push_back(queue);
  return queue;
}

std::uint64_t PoolBridge::expect(QueryWaiter waiter) {
  std::unique_lock lock(mutex_);
  const auto query = next_query_++;
  if (!closed_) return waiting_[query] = std::move(waiter), query;
  lock.unlock();
  waiter.done(membership::QueryFinished{.query = query, .refused = true});
  return query;
}

void PoolBridge::watch(Watcher watcher) {
  for (const auto& member : members()) {
    const PoolEvent event = MemberEvent{member};
    if (!watcher(&event)) return;
  }
  watchers_.push_back(std::move(watcher));
}

void PoolBridge::close() {
  std::map<std::uint64_t, QueryWaiter> waiting;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    for (const auto& weak : queues_)
      if (const auto queue = weak.lock()) queue->close();
    waiting.swap(waiting_);
  }
  for (const auto& watcher : std::exchange(watchers_, {})) (void)watcher(nullptr);
  for (auto& [query, waiter] : waiting)
    waiter.done(membership::QueryFinished{.query = query, .refused = true});
}

void PoolBridge::publish(const PoolEvent& event) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(queues_, [&](const std::weak_ptr<PoolQueue>& weak) {
      const auto queue = weak.lock();
      if (queue) queue->put(event);
      return !queue;
    });
  }
  watchers_.remove_if([&](const auto& watcher) { return !watcher(&event); });
}

void PoolBridge::on(const membership::MemberChanged& change) {
  auto member = view_of(change.member);
  {
    const std::lock_guard lock(mutex_);
    auto& known = members_[member.name];
    member.metadata = std::move(known.metadata);
    known = member;
  }
  publish(MemberEvent{std::move(member)});
}

void PoolBridge::on(const membership::MemberDetails& details) {
  MemberView member;
  {
    const std::lock_guard lock(mutex_);
    const auto known = members_.find(details.name);
    if (known == members_.end()) return;
    known->second.metadata = std::string(text(details.details));
    member = known->second;
  }
  publish(MemberEvent{std::move(member)});
}

void PoolBridge::on(const membership::UserEvent& event) {
  publish(BroadcastEvent{event.name, std::string(text(event.payload)), event.time});
}

void PoolBridge::on(const membership::QueryAsked& query) {
  publish(QueryEvent{query.query, query.name, std::string(text(query.payload)), query.from,
                     query.deadline - transport::EventLoop::now()});
}

void PoolBridge::on(const membership::QueryAnswer& answer) {
  std::function<void(QueryReply)> each;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waiting_.find(answer.query);
    if (found != waiting_.end()) each = found->second.each;
  }
  if (each) each({answer.from, std::string(text(answer.payload))});
}

void PoolBridge::on(const membership::QueryFinished& finished) {
  std::map<std::uint64_t, QueryWaiter>::node_type waiter;
  {
    const std::lock_guard lock(mutex_);
    waiter = waiting_.extract(finished.query);
  }
  if (waiter) waiter.mapped().done(finished);
}

}  // namespace coterie
