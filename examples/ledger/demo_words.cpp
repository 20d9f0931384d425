#include "demo_words.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

namespace {

/// Calls `line` for each line that the pipeline prints.
template <class Line>
void run_pipeline(const std::string& command, Line line) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (!pipe) throw std::runtime_error("cannot run: " + command);
  char* text = nullptr;
  std::size_t capacity = 0;
  ssize_t size = 0;
  while ((size = getline(&text, &capacity, pipe.get())) > 0)
    line(std::string(text, static_cast<std::size_t>(size - 1)));
  free(text);
}

std::string split_command(const std::vector<std::string>& files) {
  std::string command = "cat";
  for (const auto& file : files) command += " '" + file + "'";
  return command + " | LC_ALL=C tr -cs A-Za-z '\\n' | grep .";
}

}  // namespace

std::vector<std::string> licence_files(const std::string& directory) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.is_regular_file() && !entry.is_symlink()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::vector<std::string> read_words(const std::vector<std::string>& files) {
  std::vector<std::string> words;
  run_pipeline(split_command(files), [&](std::string word) { words.push_back(std::move(word)); });
  return words;
}

std::map<std::string, std::int64_t> count_words(const std::vector<std::string>& files) {
  std::map<std::string, std::int64_t> counts;
  run_pipeline(split_command(files) + " | LC_ALL=C sort | LC_ALL=C uniq -c",
               [&](const std::string& line) {
                 const auto digits = line.find_first_not_of(' ');
                 const auto space = line.find(' ', digits);
                 counts[line.substr(space + 1)] = std::stoll(line.substr(digits, space - digits));
               });
  return counts;
}
