/// The typed face of snapshots and of events that outlived the code that wrote them.
#include <doctest/doctest.h>

#include <coterie/coterie.hpp>
#include <coterie/msgpack.hpp>

using namespace coterie;

namespace {

/// Its event once had cents alone (schema 0), then a currency as well.
struct Wallet {
  std::int64_t cents = 0;
  std::string currency{};
  MSGPACK_DEFINE(cents, currency)

  struct Put {
    std::int64_t cents{};
    MSGPACK_DEFINE(cents)
  };
  struct Added {
    std::int64_t cents{};
    std::string currency{};
    MSGPACK_DEFINE(cents, currency)
  };
  using Commands = List<Put>;
  using Events = List<Added>;
  using Decision = coterie::Decision<Wallet, std::int64_t>;

  static constexpr std::uint16_t schema = 1;
  static constexpr std::uint32_t snapshot_every = 7;
  static constexpr bool remember = true;
  static bool load_old(std::uint16_t, ByteView snapshot, Wallet& state) {
    state.currency = "EUR";
    return Codec<std::int64_t>::decode(snapshot, state.cents);
  }
  static OldEvent migrate(OldEvent old) {
    std::int64_t cents{};
    if (!Codec<std::int64_t>::decode(old.bytes, cents)) throw std::runtime_error("no number");
    old.bytes.clear();
    Codec<Added>::encode({cents, "EUR"}, old.bytes);
    return old;
  }

  Decision decide(const Put& c) const {
    return persist(Added{c.cents, "EUR"}).reply(&Wallet::cents);
  }
  void evolve(const Added& e) { cents += e.cents, currency = e.currency; }
};

struct Plain {
  using Commands = List<Wallet::Put>;
  using Events = List<Wallet::Added>;
  using Decision = coterie::Decision<Plain, std::int64_t>;
  Decision decide(const Wallet::Put&) const { return refuse("no"); }
  void evolve(const Wallet::Added&) {}
};

const auto wallet = face::erase<Wallet>("wallet", EntityTypeId{1});

}  // namespace

TEST_CASE("schema: an event of the old code is read by the new code through migrate") {
  CHECK(wallet.schema == 1);
  Bytes old;
  Codec<std::int64_t>::encode(5, old);
  std::uint8_t tag = 0;
  REQUIRE(wallet.migrate(0, tag, old));
  Wallet state;
  REQUIRE(wallet.evolve(&state, tag, old));
  CHECK(state.cents == 5);
  CHECK(state.currency == "EUR");
  Bytes noise{0xc1};
  CHECK_FALSE(wallet.migrate(0, tag, noise));  // it threw
}

TEST_CASE("schema: a snapshot of the old code is read by load_old, where there is one") {
  Bytes old;
  Codec<std::int64_t>::encode(5, old);
  Wallet state;
  REQUIRE(wallet.load(&state, 0, old));
  CHECK(state.cents == 5);
  CHECK(state.currency == "EUR");
  CHECK_FALSE(wallet.load(&state, 0, Bytes{0xc1}));
  CHECK_FALSE(wallet.load(&state, 2, old));  // newer code's: not for it to guess at
  CHECK_FALSE(face::erase<Plain>("plain", EntityTypeId{2}).load(&state, 0, old));
}

TEST_CASE("schema: a state with MSGPACK_DEFINE is saved and loaded, one without is not") {
  CHECK(wallet.snapshot_every == 7);
  const Wallet state{.cents = 9, .currency = "CHF"};
  Bytes saved;
  REQUIRE(wallet.save(&state, saved));
  Wallet loaded;
  REQUIRE(wallet.load(&loaded, wallet.schema, saved));
  CHECK(loaded.cents == 9);
  CHECK(loaded.currency == "CHF");
  CHECK_FALSE(wallet.load(&loaded, wallet.schema, Bytes{1, 2, 3}));
  const auto plain = face::erase<Plain>("plain", EntityTypeId{2});
  CHECK(plain.snapshot_every == 0);
  CHECK_FALSE(plain.remember);
  CHECK(wallet.remember);
  Bytes event;
  std::uint8_t tag = 0;
  CHECK_FALSE(plain.migrate(0, tag, event));
}
