/// One measured value of an experiment, with its goal and what others reach. Thread-safety: values.
#pragma once

#include <string>
#include <vector>

namespace coterie::sim {

struct Figure {
  std::string what{};
  double value{};
  std::string unit{};
  double goal{};             ///< `value` is at most this; 0 = no goal
  std::string beside{};      ///< the figure to beat, and whose it is
  bool none_better = false;  ///< the goal is that nothing at all happens
  [[nodiscard]] bool met() const { return none_better ? value == 0 : goal == 0 || value <= goal; }
};
using Figures = std::vector<Figure>;

[[nodiscard]] double median(std::vector<double> values);
[[nodiscard]] double worst(const std::vector<double>& values);

}  // namespace coterie::sim
