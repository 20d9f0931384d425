#include "demo_report.hpp"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "demo_cluster.hpp"

namespace {

double percentile(const std::vector<double>& sorted, double p) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1,
                         static_cast<std::size_t>(p / 100 * static_cast<double>(sorted.size())))];
}

}  // namespace

Verdict compare(const std::map<std::string, std::int64_t>& expected, std::uint16_t http_port) {
  Verdict verdict;
  for (const auto& [word, count] : expected) {
    ++verdict.accounts;
    const auto parsed =
        nlohmann::json::parse(http_get(http_port, "/accounts/" + word), nullptr, false);
    if (!parsed.is_object() || !parsed.contains("balance_cents")) {
      ++verdict.unread;
      continue;
    }
    const auto balance = parsed["balance_cents"].get<std::int64_t>();
    verdict.lost += std::max<std::int64_t>(0, count - balance);
    verdict.doubled += std::max<std::int64_t>(0, balance - count);
  }
  return verdict;
}

void print_report(const LoadResult& load, const Verdict& verdict, bool clean_exit) {
  std::vector<double> outages;
  for (const auto& [shard, span] : load.outage_ms_by_shard) outages.push_back(span);
  std::sort(outages.begin(), outages.end());
  const auto& l = load.latencies_ms;
  std::printf("\n  %-32s %zu\n", "acknowledged", load.acknowledged);
  std::printf("  %-32s %zu\n", "retried", load.retried);
  std::printf("  %-32s %lld\n", "lost", static_cast<long long>(verdict.lost));
  std::printf("  %-32s %lld\n", "doubled", static_cast<long long>(verdict.doubled));
  std::printf("  %-32s %zu (%zu unread)\n", "accounts compared", verdict.accounts, verdict.unread);
  std::printf("  %-32s %.0f\n", "requests per second",
              static_cast<double>(load.acknowledged) / load.seconds);
  std::printf("  %-32s p50 %.2f, p99 %.2f, p99.9 %.2f, max %.2f ms\n", "latency", percentile(l, 50),
              percentile(l, 99), percentile(l, 99.9), l.empty() ? 0 : l.back());
  std::printf("  %-32s %zu shards, median %.0f ms, longest %.0f ms\n",
              "time without service per shard", outages.size(), percentile(outages, 50),
              outages.empty() ? 0 : outages.back());
  std::printf("  %-32s %s\n", "processes left gracefully", clean_exit ? "yes" : "no");
}
