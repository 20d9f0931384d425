#include "coterie/replay.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "coterie/cluster/replay.hpp"

namespace coterie {

EntityTypeId Replay::type_id(const std::string& name) { return sharding::entity_type_id(name); }

Result<ReplaySummary> Replay::run() const {
  std::vector<std::filesystem::path> tapes;
  std::error_code problem;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, problem))
    if (entry.path().extension() == ".tape") tapes.push_back(entry.path());
  if (tapes.empty())
    return error(Errc::configuration, "no recording in " + directory_ +
                                          (problem ? ": " + problem.message() : "") +
                                          "; run the node with --record " + directory_);
  std::sort(tapes.begin(), tapes.end());
  ReplaySummary summary;
  TraceHash all;
  for (const auto& path : tapes) {
    std::ifstream file(path, std::ios::binary);
    const Bytes bytes{std::istreambuf_iterator<char>(file), {}};
    const auto report = cluster::replay(bytes, types_);
    if (!report) return error(Errc::malformed, path.string() + ": " + report.error().detail);
    ++summary.tapes;
    summary.inputs += report->inputs;
    summary.cut += report->cut ? 1 : 0;
    all.add(report->effect_hash);
    if (summary.divergence.empty() && !report->divergence.empty())
      summary.divergence = path.filename().string() + ": " + report->divergence;
  }
  summary.effect_hash = all.value();
  return summary;
}

}  // namespace coterie
