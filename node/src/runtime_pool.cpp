#include <future>

#include "runtime.hpp"

namespace coterie {

Status Runtime::broadcast(std::string name, std::string payload, bool coalesce) {
  if (name.size() + payload.size() > max_broadcast)
    return error(Errc::message_too_large, "an event's name and payload have at most " +
                                              std::to_string(max_broadcast) + " bytes");
  if (auto problem = no_pool()) return *problem;
  loops_[0]->post([this, name = std::move(name), bytes = to_bytes(view(payload)), coalesce] {
    control_->broadcast(name, bytes, coalesce);
  });
  return Done{};
}

void Runtime::query(std::string name, std::string payload, const QueryOptions& options,
                    std::function<void(Result<QueryResult>)> done) {
  if (name.size() + payload.size() > max_query)
    return done(error(Errc::message_too_large, "a query's name and payload have at most " +
                                                   std::to_string(max_query) + " bytes"));
  if (const auto problem = no_pool()) return done(*problem);
  auto result = std::make_shared<QueryResult>();
  const auto number = pool_->expect(
      {.each = [result](QueryReply reply) { result->answers.push_back(std::move(reply)); },
       .done =
           [result, done = std::move(done)](const membership::QueryFinished& finished) {
             if (finished.refused)
               return done(error(Errc::busy, "too many queries are open, or the node stopped",
                                 Duration{1s}));
             result->heard_by = finished.heard_by;
             done(std::move(*result));
           }});
  loops_[0]->post([this, number, name = std::move(name), bytes = to_bytes(view(payload)),
                   timeout = options.timeout] { control_->query(number, name, bytes, timeout); });
}

Status Runtime::answer(std::uint64_t query, std::string payload) {
  if (payload.size() > max_answer)
    return error(Errc::message_too_large,
                 "an answer has at most " + std::to_string(max_answer) + " bytes");
  if (auto problem = no_pool()) return *problem;
  loops_[0]->post(
      [this, query, bytes = to_bytes(view(payload))] { control_->answer(query, bytes); });
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
  if (config_.pool == "memberlist")
    return error(Errc::configuration,
                 "a bare memberlist pool has no events and queries; --pool native or serf has");
  if (!joined_.load()) join();  // a lock that stop() holds while it waits for the workers
  return std::nullopt;
}

}  // namespace coterie
