/// Who is at fault when members do not hear each other? The accused asks itself: a member that many
/// accuse, or that was declared dead, pings others at random. If most answers are missing it is the
/// one at fault: it steps down, which means that it no longer refutes, accuses nobody, and returns
/// only after it has been well for a while. A member that is well refutes as ever, so a bad link
/// between two members removes neither. docs/adr/0006 has the sources and the alternatives.
///
/// Invariant: a member that others condemned returns only after `probation` without a failed round;
/// each time within flap_memory it takes twice as long. One that nobody condemned, because all
/// others are gone or it came back in time, returns after two good rounds. Thread-safety: a value;
/// one owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "coterie/core/time.hpp"

namespace coterie::membership {

/// So many different accusers within accusation_window make a member doubt itself; a bad link has
/// one accuser.
inline constexpr std::size_t accusers_to_doubt = 2;
inline constexpr Duration accusation_window = 30s;
/// Pings of one round, to as many different members if there are so many.
inline constexpr std::uint32_t self_test_pings = 40;
/// Answers that make a round good. At 20 % loss of every packet 26 come back (fewer than 17:
/// 0.1 %), where 80 % of one direction is lost 8 do (17 or more: 0.04 %).
inline constexpr std::uint32_t self_test_answers = 17;
/// Of so few members each gets enough pings to be judged alone: that one answers well is proof, the
/// others may be gone.
inline constexpr std::size_t few_members = 3;
/// Failed rounds in a row until a member steps down.
inline constexpr std::uint32_t failed_rounds_to_step_down = 2;
/// Between rounds while it is out of office.
inline constexpr Duration self_test_pause = 2s;
/// Returns within this time double the next probation, up to max_probation.
inline constexpr Duration flap_memory = 10min;
inline constexpr Duration max_probation = 10min;

class SelfTest {
 public:
  explicit SelfTest(Duration probation) : probation_(probation) {}

  /// Somebody accuses us of silence: true if others did lately, so that we had better test
  /// ourselves before we deny it.
  [[nodiscard]] bool accused(const std::string& by, Instant now);
  /// There is another reason for a test.
  void doubt(Instant now);
  /// We are out of office from now on. `condemned`: others hold us dead or accuse us; otherwise
  /// only we ourselves found that nobody answers, perhaps because all others are gone.
  void step_down(bool condemned, Instant now);
  /// Others hold us dead as well, as we hear now.
  void condemn();
  [[nodiscard]] bool in_office() const { return !out_; }
  [[nodiscard]] bool condemned() const { return out_ && condemned_; }

  [[nodiscard]] bool wants_round(Instant now) const;
  /// Pings `first` to `first + self_test_pings - 1` are on their way, to `asked` members in turn.
  void begin(std::uint32_t first, std::size_t asked, Instant ends);
  /// True if it was an answer to one of them.
  /// Enough of them end the round.
  [[nodiscard]] bool answered(std::uint32_t sequence, Instant now);
  /// inquire: a first good round of somebody whom nobody condemned, as far as it knows: ask others
  /// what they hold of us, before the next one.
  enum class Verdict : std::uint8_t { none, well, step_down, inquire, come_back };
  /// What the round that ended says.
  [[nodiscard]] Verdict judge(Instant now);
  /// We leave: it does not matter any more.
  void cancel() { running_ = false, ends_ = next_round_ = never; }
  /// There is nobody to ask.
  void put_off(Instant now) { next_round_ = now + self_test_pause; }
  /// Our own pause does not count.
  void postpone(Duration span);
  [[nodiscard]] Instant next_deadline() const;
  /// How long a member has to be well before it comes back.
  [[nodiscard]] Duration sentence() const { return sentence_; }

 private:
  [[nodiscard]] bool is_good() const;

  Duration probation_;
  std::map<std::string, Instant> accusers_{};  ///< at most accusers_to_doubt
  bool out_ = false, condemned_ = false;
  Duration sentence_{};
  Instant forgiven_at_{};  ///< until then a new fall doubles the sentence
  Instant good_since_ = never;
  bool running_ = false;
  std::uint64_t seen_{};  ///< a bit for each answer
  std::size_t asked_ = 1;
  std::uint32_t first_{}, failed_ = 0;
  Instant ends_ = never;
  Instant next_round_ = never;
};

}  // namespace coterie::membership
