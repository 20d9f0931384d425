#include <doctest/doctest.h>

#include "coterie/replication/raft/messages.hpp"
#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::replication::raft;
using coterie::testing::from_hex;
using coterie::testing::to_hex;

namespace {

Message of(decltype(Message::body) body) {
  return {.from = {"a", 1}, .to = {"b", 2}, .term = Term{7}, .body = std::move(body)};
}

const Configuration both{{{"a", 1}}, {{"b", 2}}};

}  // namespace

TEST_CASE("raft messages: the golden vectors, both ways") {
  const std::vector<std::pair<Message, std::string>> vectors{
      {of(VoteRequest{true, false, Index{9}, Term{6}}),
       "980100a16101a1620207"
       "94c3c20906"},
      {of(VoteReply{false, true}),
       "980101a16101a1620207"
       "92c2c3"},
      {of(AppendEntries{Index{4}, Term{3}, Index{2}, 8, {{Term{5}, EntryKind::command, {0xaa}}}}),
       "980102a16101a1620207"
       "950403020891930501c401aa"},
      {of(AppendReply{true, Index{5}, Index{0}, 8}),
       "980103a16101a1620207"
       "94c3050008"},
      {of(SnapshotChunk{Index{5}, Term{3}, both, 300, 0, 8, {0xbb}}),
       "980104a16101a1620207"
       "980503"
       "9192a16101"
       "9192a16202"
       "cd012c0008c401bb"},
      {of(SnapshotReply{Index{5}, 300, 8}),
       "980105a16101a1620207"
       "9305cd012c08"},
      {of(TimeoutNow{}),
       "980106a16101a1620207"
       "90"},
  };
  for (const auto& [message, hex] : vectors) {
    CHECK(to_hex(encode(message)) == hex);
    CHECK(decode_message(from_hex(hex)) == message);
  }
}

TEST_CASE(
    "raft messages: a cut, another version, an unknown kind or a hostile number is no message") {
  const auto whole = encode(of(SnapshotChunk{Index{5}, Term{3}, both, 300, 0, 8, {0xbb}}));
  for (std::size_t size = 0; size < whole.size(); ++size)
    CHECK_FALSE(decode_message(ByteView(whole).first(size)));
  auto other = whole;
  other[1] = 2;
  CHECK_FALSE(decode_message(other));
  other = whole;
  other[2] = 7;
  CHECK_FALSE(decode_message(other));
  CHECK_FALSE(decode_message(encode(of(VoteRequest{.last = Index{UINT64_MAX}}))));
  CHECK(decode_message(encode(of(VoteRequest{.last = Index{UINT64_MAX / 2}}))));
}

TEST_CASE("raft messages: what a later version adds at the end is passed over") {
  CHECK(decode_message(from_hex("980101a16101a162020793c2c3c0")) == of(VoteReply{false, true}));
}

TEST_CASE("raft messages: a configuration has at most seven voters and eight learners") {
  Configuration full;
  for (std::uint64_t i = 0; i < max_voters; ++i) full.voters.push_back({"v", i});
  for (std::uint64_t i = 0; i < max_learners; ++i) full.learners.push_back({"l", i});
  CHECK(decode_configuration(encode(full)) == full);
  auto more = full;
  more.voters.push_back({"v", 99});
  CHECK_FALSE(decode_configuration(encode(more)));
  more = full;
  more.learners.push_back({"l", 99});
  CHECK_FALSE(decode_configuration(encode(more)));
}
