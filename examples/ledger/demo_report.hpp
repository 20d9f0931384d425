/// Balances against the oracle, and the table at the end.
#pragma once

#include <map>
#include <string>

#include "demo_load.hpp"

struct Verdict {
  std::int64_t lost = 0;     ///< cents that were acknowledged and are not there
  std::int64_t doubled = 0;  ///< cents that are there more than once
  std::size_t accounts = 0;
  std::size_t unread = 0;  ///< accounts whose balance could not be read
};

/// Asks `http_port` for every account.
[[nodiscard]] Verdict compare(const std::map<std::string, std::int64_t>& expected,
                              std::uint16_t http_port);
void print_report(const LoadResult& load, const Verdict& verdict, bool clean_exit);
