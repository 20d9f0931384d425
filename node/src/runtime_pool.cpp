#include <future>

#include "runtime.hpp"
#include "settings.hpp"

namespace coterie {

Status Runtime::broadcast(std::string name, std::string payload, bool coalesce) {
  if (auto problem = check_event(config_, name, payload)) return *problem;
  if (auto problem = no_pool()) return *problem;
  loops_[0]->post([this, name = std::move(name), bytes = to_bytes(view(payload)), coalesce] {
    control_->broadcast(name, bytes, coalesce);
  });
  return Done{};
}

void Runtime::query(std::string name, std::string payload, const QueryOptions& options,
                    std::function<void(Result<QueryResult>)> done) {
  if (auto problem = check_query(config_, name, payload)) return done(*problem);
  if (const auto problem = no_pool()) return done(*problem);
  const auto number = pool_->expect(collect_answers(std::move(done)));
  loops_[0]->post([this, number, name = std::move(name), bytes = to_bytes(view(payload)),
                   timeout = options.timeout] { control_->query(number, name, bytes, timeout); });
}

Status Runtime::answer(std::uint64_t query, std::string payload) {
  if (auto problem = check_answer(config_, payload)) return *problem;
  if (auto problem = no_pool()) return *problem;
  loops_[0]->post(
      [this, query, bytes = to_bytes(view(payload))] { control_->answer(query, bytes); });
  return Done{};
}

Status Runtime::set_metadata(std::string metadata) {
  if (auto problem = check_metadata(config_, metadata)) return *problem;
  if (auto problem = no_pool()) return *problem;
  loops_[0]->post([this, bytes = to_bytes(view(metadata))] { control_->set_metadata(bytes); });
  return Done{};
}

Status Runtime::share(gossip::SharedChange change) {
  if (auto problem = check_native(config_)) return *problem;
  if (auto problem = no_pool()) return *problem;
  loops_[0]->post([this, change = std::move(change)] { control_->share(change); });
  return Done{};
}

void Runtime::watch(std::function<void(const PoolEvent&)> told) {
  loops_[0]->post([this, told = std::move(told)] {
    pool_->watch([told](const PoolEvent* event) {
      if (event != nullptr) told(*event);
      return event != nullptr;
    });
  });
}

Result<double> Runtime::phi(const std::string& member) {
  const std::lock_guard lock(life_);  // no stop() meanwhile: the loop answers
  if (!joined_.load() || stopped_) return error(Errc::unavailable, "this node does not run");
  std::promise<double> value;
  loops_[0]->post(
      [&] { value.set_value(control_->core()->swim().phi(member, transport::EventLoop::now())); });
  return value.get_future().get();
}

std::optional<Error> Runtime::no_pool() {
  if (stopping_.load()) return error(Errc::unavailable, "this node has stopped");
  if (!joined_.load()) join();  // a lock that stop() holds while it waits for the workers
  return std::nullopt;
}

}  // namespace coterie
