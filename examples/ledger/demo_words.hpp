/// The demo's real input: every word of the licence texts that the base-files package installs.
#pragma once

#include <map>
#include <string>
#include <vector>

/// The regular files (not links) of `directory`, sorted.
[[nodiscard]] std::vector<std::string> licence_files(const std::string& directory);
/// The words in order, as `LC_ALL=C tr -cs A-Za-z '\n'` splits them.
[[nodiscard]] std::vector<std::string> read_words(const std::vector<std::string>& files);
/// The oracle: `sort | uniq -c` of the same text.
[[nodiscard]] std::map<std::string, std::int64_t> count_words(
    const std::vector<std::string>& files);
