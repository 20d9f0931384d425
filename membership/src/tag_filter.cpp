#include "coterie/membership/tag_filter.hpp"

#include <algorithm>
#include <string>

#include "coterie/membership/serf.hpp"
#include "coterie/wire/memberlist_messages.hpp"
#include "coterie/wire/msgpack_reader.hpp"

namespace coterie::membership {
namespace {

constexpr std::uint32_t max_filter_names = 1024;
constexpr std::uint32_t max_tags = 64;
constexpr std::size_t max_text = 512;
constexpr std::uint8_t by_name = 0;
constexpr std::uint8_t by_tag = 1;

/// `pattern` of text, `.` and `.*` against all of `text`: the classic two-pointer wildcard match.
bool matches_wildcards(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  const auto is_star = [&](std::size_t i) { return pattern.substr(i, 2) == ".*"; };
  while (t < text.size()) {
    if (p < pattern.size() && is_star(p)) {
      star = p;
      resume = t;
      p += 2;
    } else if (p < pattern.size() && (pattern[p] == '.' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 2;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && is_star(p)) p += 2;
  return p == pattern.size();
}

bool matches_alternative(std::string_view expression, std::string_view text) {
  const bool from_start = expression.starts_with('^');
  if (from_start) expression.remove_prefix(1);
  const bool to_end = expression.ends_with('$');
  if (to_end) expression.remove_suffix(1);
  for (std::size_t i = 0; i < expression.size(); ++i) {
    const auto c = expression[i];
    const bool star = c == '*' && i > 0 && expression[i - 1] == '.';
    if (!star && std::string_view("\\[](){}+?*^$").find(c) != std::string_view::npos) return false;
  }
  const auto pattern = (from_start ? "" : ".*") + std::string(expression) + (to_end ? "" : ".*");
  return matches_wildcards(pattern, text);
}

bool names_me(ByteView body, std::string_view name) {
  wire::MsgpackReader in(body);
  const auto size = in.array(max_filter_names);
  for (std::uint32_t i = 0; i < size && in.ok(); ++i)
    if (in.text(wire::max_name_bytes) == name && in.ok()) return true;
  return false;
}

bool tag_matches(ByteView body, ByteView meta) {
  std::string_view tag, expression;
  wire::MsgpackReader in(body);
  const auto size = in.map(max_tags);
  for (std::uint32_t i = 0; i < size && in.ok(); ++i) {
    const auto key = in.text(max_text);
    if (key == "Tag") tag = in.text(max_text);
    else if (key == "Expr") expression = in.text(max_text);
    else in.skip();
  }
  return in.ok() && matches_expression(expression, SerfLayer::decode_tags(meta)[std::string(tag)]);
}

}  // namespace

bool matches_expression(std::string_view expression, std::string_view text) {
  if (expression.size() > max_tag_expression) return false;
  for (std::size_t from = 0;;) {
    const auto bar = expression.find('|', from);
    if (matches_alternative(expression.substr(from, bar - from), text)) return true;
    if (bar == std::string_view::npos) return false;
    from = bar + 1;
  }
}

bool meant_for(const std::vector<Bytes>& filters, std::string_view name, ByteView meta) {
  return std::all_of(filters.begin(), filters.end(), [&](const Bytes& filter) {
    if (filter.empty()) return false;
    const auto body = ByteView(filter).subspan(1);
    if (filter[0] == by_name) return names_me(body, name);
    return filter[0] == by_tag && tag_matches(body, meta);
  });
}

}  // namespace coterie::membership
