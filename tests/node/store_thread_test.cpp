#include "../../node/src/store_thread.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <future>

using namespace coterie;

namespace {

const LogSink silent = [](LogLevel, std::string_view) {};

}  // namespace

TEST_CASE("store thread: what the disk has no room for is tried again, and nothing overtakes it") {
  std::promise<std::string> order;
  std::string seen;
  int tries = 0;
  StoreThread thread(silent, [](const Error&) { FAIL("it gave up"); });
  thread.run(
      [&]() -> Status {
        if (++tries < 3) return error(Errc::storage, "full", 1ms);
        return Done{};
      },
      [&] { seen += "first "; });
  thread.run([]() -> Status { return Done{}; }, [&] { order.set_value(seen + "second"); });
  CHECK(order.get_future().get() == "first second");
  CHECK(tries == 3);
}

TEST_CASE("store thread: after any other error nothing is written any more, and it says so once") {
  std::promise<std::string> said;
  std::atomic<int> writes = 0;
  {
    StoreThread thread(silent, [&](const Error& problem) { said.set_value(problem.detail); });
    const auto fails = [&]() -> Status {
      ++writes;
      return error(Errc::storage, "EIO");
    };
    thread.run(fails, [] { FAIL("it is not durable"); });
    thread.run(fails, {});
    CHECK(said.get_future().get() == "EIO");
  }
  CHECK(writes == 1);
}
