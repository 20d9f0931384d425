/// The ledger's HTTP interface: which request asks which account for what.
#pragma once

#include "account.hpp"
#include "http.hpp"

[[nodiscard]] Route ledger_api(coterie::Entities<Account> accounts);
