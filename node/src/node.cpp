#include "coterie/node.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <future>
#include <mutex>
#include <thread>

#include "coterie/sharding/entity_hash.hpp"
#include "runtime.hpp"

namespace coterie {
namespace {

int signal_event = -1;

/// Who sends a second one, of either kind, wants no farewell.
extern "C" void on_signal(int) {
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = write(signal_event, &one, sizeof one);
}

/// What no deadline of a phase can end: a write that the disk holds, and the user's code.
constexpr auto end_limit = std::chrono::seconds(20);

void end_process() {
  std::fprintf(stderr,
               "error: the node has not ended after %lld s: its disk hangs, or an entity's code "
               "does; the process ends now, nothing acknowledged is lost\n",
               static_cast<long long>(end_limit.count()));
  _exit(1);
}

}  // namespace

Result<Node> Node::start(Config config) {
  auto runtime = Runtime::open(std::move(config));
  if (!runtime) return runtime.error();
  return Node(std::move(*runtime));
}

Node::Node(std::shared_ptr<Runtime> runtime) : runtime_(std::move(runtime)) {}
Node::Node(Node&&) noexcept = default;
Node& Node::operator=(Node&&) noexcept = default;
Node::~Node() { stop(); }

EntityTypeId Node::type_id(const std::string& name) { return sharding::entity_type_id(name); }
void Node::register_type(sharding::EntityType type) { runtime_->register_type(std::move(type)); }
void Node::join() { runtime_->join(); }

std::vector<MemberView> Node::members() const { return runtime_->pool().members(); }
Result<double> Node::phi(const std::string& member) const {
  if (on_worker_thread())
    return error(Errc::wrong_thread, "phi() would block a worker thread: ask from another one");
  return runtime_->phi(member);
}
PoolEvents Node::events() { return PoolEvents(runtime_->pool().subscribe()); }
void Node::watch(std::function<void(const PoolEvent&)> told) { runtime_->watch(std::move(told)); }

Status Node::broadcast(std::string name, std::string payload, bool coalesce) {
  return runtime_->broadcast(std::move(name), std::move(payload), coalesce);
}
void Node::query(std::string name, std::string payload, QueryOptions options,
                 std::function<void(Result<QueryResult>)> done) {
  runtime_->query(std::move(name), std::move(payload), options, std::move(done));
}
Result<QueryResult> Node::query(std::string name, std::string payload, QueryOptions options) {
  if (on_worker_thread())
    return error(Errc::wrong_thread, "query() would block a worker thread: give it a callback");
  std::promise<Result<QueryResult>> answered;
  query(std::move(name), std::move(payload), options,
        [&](Result<QueryResult> result) { answered.set_value(std::move(result)); });
  return answered.get_future().get();
}
Status Node::answer(const QueryEvent& query, std::string payload) {
  return runtime_->answer(query.query, std::move(payload));
}

Shared Node::shared() {
  return Shared(runtime_->pool_ptr(), [runtime = runtime_](gossip::SharedChange change) {
    return runtime->share(std::move(change));
  });
}

Status Node::set_metadata(std::string metadata) {
  return runtime_->set_metadata(std::move(metadata));
}

void Node::stop() {
  if (runtime_) runtime_->stop();
}

int Node::run_until_signal() {
  signal_event = eventfd(0, EFD_CLOEXEC);
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  runtime_->join();
  std::thread watcher([runtime = runtime_] {
    std::uint64_t count = 0;
    while (read(signal_event, &count, sizeof count) < 0 && errno == EINTR) continue;
    runtime->request_stop();
  });
  runtime_->wait();
  on_signal(0);  // the watcher ends, whoever woke us
  watcher.join();
  const auto failure = runtime_->failure();
  std::mutex mutex;
  std::condition_variable_any ended;
  std::jthread guard([&](const std::stop_token& stopped) {
    std::unique_lock lock(mutex);
    ended.wait_for(lock, stopped, end_limit, [] { return false; });
    if (!stopped.stop_requested()) end_process();
  });
  runtime_->stop();
  if (!failure) return 0;
  std::fprintf(stderr, "error: %s\n", to_string(*failure).c_str());
  return 1;
}

std::string Node::gossip_address() const { return to_string(runtime_->ports().gossip); }
std::string Node::link_address() const { return to_string(runtime_->ports().link); }
std::string Node::management_address() const { return to_string(runtime_->ports().management); }

}  // namespace coterie
