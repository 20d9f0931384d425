#include "coterie/membership/self_test.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace coterie::membership {

namespace {

/// Until then suspicions of those who are gone may have come up.
constexpr Duration second_round_pause = 500ms;

}  // namespace

bool SelfTest::accused(const std::string& by, Instant now) {
  std::erase_if(accusers_,
                [&](const auto& entry) { return entry.second + accusation_window <= now; });
  if (accusers_.size() < accusers_to_doubt) accusers_[by] = now;
  return accusers_.size() >= accusers_to_doubt;
}

void SelfTest::doubt(Instant now) {
  if (!out_ && !running_) next_round_ = earliest(next_round_, now);
}

void SelfTest::postpone(Duration span) {
  if (running_) ends_ = ends_ + span;
}

void SelfTest::step_down(bool condemned, Instant now) {
  if (out_) return;
  out_ = true;
  condemned_ = condemned;
  sentence_ = now < forgiven_at_ ? std::min(sentence_ * 2, max_probation) : probation_;
  good_since_ = never;
  running_ = false;
  next_round_ = now;
}

void SelfTest::condemn() {
  if (!out_ || std::exchange(condemned_, true)) return;
  good_since_ = never;  // the sentence begins when it is heard
}

bool SelfTest::wants_round(Instant now) const { return !running_ && next_round_ <= now; }

void SelfTest::begin(std::uint32_t first, std::size_t asked, Instant ends) {
  running_ = true;
  asked_ = asked;
  first_ = first;
  seen_ = 0;
  ends_ = ends;
  next_round_ = never;
}

bool SelfTest::answered(std::uint32_t sequence, Instant now) {
  const auto which = sequence - first_;
  if (!running_ || which >= self_test_pings) return false;
  seen_ |= std::uint64_t{1} << which;
  if (is_good()) ends_ = earliest(ends_, now);
  return true;
}

bool SelfTest::is_good() const {
  const auto enough = [](int answers, std::uint32_t pings) {
    return static_cast<std::uint32_t>(answers) * self_test_pings >= self_test_answers * pings;
  };
  if (enough(std::popcount(seen_), self_test_pings)) return true;
  for (std::size_t member = 0; asked_ <= few_members && member < asked_; ++member) {
    int answers = 0;
    std::uint32_t pings = 0;
    for (auto i = member; i < self_test_pings; i += asked_, ++pings)
      answers += (seen_ >> i & 1) != 0 ? 1 : 0;
    if (enough(answers, pings)) return true;
  }
  return false;
}

SelfTest::Verdict SelfTest::judge(Instant now) {
  if (!running_ || now < ends_) return Verdict::none;
  running_ = false;
  ends_ = never;
  const bool good = is_good();
  failed_ = good ? 0 : failed_ + 1;
  if (!out_) {
    if (good) return accusers_.clear(), Verdict::well;
    next_round_ = now + second_round_pause;
    return failed_ >= failed_rounds_to_step_down ? Verdict::step_down : Verdict::none;
  }
  const bool first = good && good_since_ == never;
  if (!good) good_since_ = never;
  else good_since_ = earliest(good_since_, now);
  next_round_ = now + self_test_pause;
  if (first && !condemned_) return Verdict::inquire;
  const auto wanted = condemned_ ? sentence_ : self_test_pause;
  if (good_since_ == never || now - good_since_ < wanted) return Verdict::none;
  out_ = false;
  next_round_ = never;
  if (condemned_) forgiven_at_ = now + flap_memory;
  accusers_.clear();
  return Verdict::come_back;
}

Instant SelfTest::next_deadline() const { return running_ ? ends_ : next_round_; }

}  // namespace coterie::membership
