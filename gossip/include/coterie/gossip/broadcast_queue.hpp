/// The transmit-limited queue of piggybacked broadcasts. Fewest transmissions first, then larger,
/// then newer; a broadcast is dropped after `retransmit_mult * ceil(log10(n + 1))` transmissions,
/// and a newer one about the same subject replaces it. Source: SWIM section 4.1; memberlist wire
/// protocol, section 11.5. Beyond memberlist, where a storm of membership news silences users
/// (memberlist issue 299): users' broadcasts have a quarter of every datagram, by deficit round
/// robin (Shreedhar and Varghese 1995), and all that membership leaves. Thread-safety: a value; one
/// owner.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coterie/core/bytes.hpp"

namespace coterie::gossip {

/// Times one broadcast is sent in a cluster of `members`: 4 up to 9 members, 8 up to 99 with the
/// default of 4.
[[nodiscard]] std::uint32_t retransmit_limit(std::uint32_t retransmit_mult, std::size_t members);

/// One part in so many of each datagram is kept for users' broadcasts while there are any.
inline constexpr std::size_t user_share = 4;
/// Users' broadcasts queued at once; the most transmitted one makes place.
inline constexpr std::size_t max_user_broadcasts = 256;
/// Broadcasts that are looked at for one datagram although they do not fit into what is left.
inline constexpr std::size_t max_skipped = 32;

enum class BroadcastClass : std::uint8_t { membership, user };

class BroadcastQueue {
 public:
  explicit BroadcastQueue(std::uint32_t retransmit_mult) : retransmit_mult_(retransmit_mult) {}

  /// Queues `message` about `subject`, in place of an older one about it in that class. The bound
  /// is one message per subject.
  void push(std::string subject, Bytes message, BroadcastClass kind = BroadcastClass::membership);
  /// What is queued about `subject` is not true any more.
  void withdraw(const std::string& subject) { membership_.erase(subject); }
  /// Takes messages of at most `budget` bytes in all, each costing `overhead` more; counts one
  /// transmission for each.
  [[nodiscard]] std::vector<Bytes> take(std::size_t budget, std::size_t overhead,
                                        std::size_t members);
  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] std::size_t size() const {
    return membership_.by_subject.size() + users_.by_subject.size();
  }
  [[nodiscard]] bool contains(const std::string& subject) const {
    return membership_.by_subject.contains(subject) || users_.by_subject.contains(subject);
  }

 private:
  /// In the order of sending; smaller is first.
  struct Order {
    std::uint32_t transmissions{};
    std::size_t smallness{};
    std::uint64_t age{};
    friend auto operator<=>(const Order&, const Order&) = default;
  };
  struct Broadcast {
    Bytes message{};
    Order order{};
  };
  struct Class {
    std::map<std::string, Broadcast> by_subject{};
    std::map<Order, std::string> in_order{};

    void put(std::string subject, Broadcast broadcast);
    void erase(const std::string& subject);
    /// Adds what fits and is not there yet to `chosen`; the bytes it costs.
    std::size_t choose(std::size_t budget, std::size_t overhead,
                       std::vector<std::string>& chosen) const;
    /// Each of `chosen` counts as sent once more and goes to `taken`.
    void transmit(const std::vector<std::string>& chosen, std::uint32_t limit,
                  std::vector<Bytes>& taken);
  };
  Class membership_{};
  Class users_{};
  std::size_t credit_ = 0;  ///< bytes that users' broadcasts are owed
  std::uint32_t retransmit_mult_;
  std::uint64_t counter_ = 0;
};

}  // namespace coterie::gossip
