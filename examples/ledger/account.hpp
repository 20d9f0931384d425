/// The ledger's one entity: an account whose balance never goes negative.
#pragma once

#include <coterie/coterie.hpp>
#include <coterie/msgpack.hpp>

struct Account {
  std::int64_t cents = 0;
  MSGPACK_DEFINE(cents)  // a snapshot every hundred events

  struct Deposit {
    std::int64_t cents{};
    MSGPACK_DEFINE(cents)
  };
  struct Withdraw {
    std::int64_t cents{};
    MSGPACK_DEFINE(cents)
  };
  struct Balance {
    MSGPACK_DEFINE()
  };
  struct Deposited {
    std::int64_t cents{};
    MSGPACK_DEFINE(cents)
  };
  struct Withdrawn {
    std::int64_t cents{};
    MSGPACK_DEFINE(cents)
  };

  using Commands = coterie::List<Deposit, Withdraw, Balance>;
  using Events = coterie::List<Deposited, Withdrawn>;
  using Decision = coterie::Decision<Account, std::int64_t>;

  Decision decide(const Deposit& c) const {
    if (c.cents > INT64_MAX - cents) return coterie::refuse("the balance would overflow");
    return coterie::persist(Deposited{c.cents}).reply(&Account::cents);
  }
  Decision decide(const Withdraw& c) const {
    if (c.cents > cents) return coterie::refuse("insufficient funds");
    return coterie::persist(Withdrawn{c.cents}).reply(&Account::cents);
  }
  Decision decide(const Balance&) const { return coterie::reply(&Account::cents); }
  void evolve(const Deposited& e) { cents += e.cents; }
  void evolve(const Withdrawn& e) { cents -= e.cents; }
};
