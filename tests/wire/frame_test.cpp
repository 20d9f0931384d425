#include "coterie/wire/frame.hpp"

#include <doctest/doctest.h>

#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::wire;

namespace {
const RequestHeader header{.flags = flag_ask,
                           .cluster_tag = 0xaabbccdd,
                           .deadline_us = 2'000'000,
                           .session = SessionId{0x1111},
                           .sequence = 0x2222,
                           .epoch = Epoch{3},
                           .shard = ShardId{0x0104},
                           .tag = 5,
                           .type = EntityTypeId{0x66778899},
                           .command = {7, 8}};
}

TEST_CASE("frame: a request has the bytes of docs/WIRE.md") {
  Bytes out;
  append_request(out, header, view("ab"), view("xyz"));
  CHECK(testing::to_hex(out) ==
        "45000000"
        "01"
        "04"
        "0100"
        "ddccbbaa"
        "80841e00"
        "1111000000000000"
        "2222000000000000"
        "0300000000000000"
        "0401"
        "02"
        "05"
        "99887766"
        "0700000000000000"
        "0800000000000000"
        "6162"
        "78797a");
  const auto prefix = read_prefix(out);
  REQUIRE(prefix.has_value());
  CHECK(prefix->kind == FrameKind::request);
  CHECK(prefix->length == out.size());
  const auto request = read_request(out);
  REQUIRE(request.has_value());
  CHECK(request->header == header);
  CHECK(text(request->entity) == "ab");
  CHECK(text(request->payload) == "xyz");
}

TEST_CASE("frame: a reply has the bytes of docs/WIRE.md") {
  Bytes out;
  const ReplyHeader reply{.cluster_tag = 1,
                          .retry_after_ms = 100,
                          .session = SessionId{2},
                          .sequence = 3,
                          .epoch = Epoch{4},
                          .shard = ShardId{5},
                          .status = 4,
                          .entity_sequence = Sequence{6}};
  append_reply(out, reply, view("no"));
  CHECK(testing::to_hex(out) ==
        "3a000000"
        "01"
        "05"
        "0000"
        "01000000"
        "64000000"
        "0200000000000000"
        "0300000000000000"
        "0400000000000000"
        "0500"
        "04"
        "00"
        "00000000"
        "0600000000000000"
        "6e6f");
  const auto view = read_reply(out);
  REQUIRE(view.has_value());
  CHECK(view->header == reply);
  CHECK(text(view->payload) == "no");
}

TEST_CASE("frame: a prefix is plausible from 12 bytes to the largest frame, in our version only") {
  FramePrefix prefix{.length = frame_prefix_bytes};
  CHECK(plausible(prefix));
  prefix.length = frame_prefix_bytes - 1;
  CHECK_FALSE(plausible(prefix));
  prefix.length = max_frame_bytes;
  CHECK(plausible(prefix));
  prefix.length = max_frame_bytes + 1;
  CHECK_FALSE(plausible(prefix));
  prefix = {.length = 100, .version = 2};
  CHECK_FALSE(plausible(prefix));
  CHECK_FALSE(read_prefix(Bytes(11, 0)).has_value());
}

TEST_CASE("frame: inner lengths that lie are refused at every truncation") {
  Bytes out;
  append_request(out, header, view("account-1"), {});
  for (std::size_t size = 0; size < out.size(); ++size)
    CHECK_FALSE(read_request(ByteView(out).first(size)).has_value());
  CHECK_FALSE(read_reply(Bytes(reply_header_bytes - 1, 0)).has_value());
}

TEST_CASE("frame: the shard log's holds the largest record, and no other kind does") {
  Bytes frame;
  append_control(frame, FrameKind::shard_log, 7,
                 Bytes(max_replication_frame_bytes - frame_prefix_bytes));
  auto prefix = read_prefix(frame).value();
  CHECK(plausible(prefix));
  ++prefix.length;
  CHECK_FALSE(plausible(prefix));
  prefix.length = max_frame_bytes + 1;
  CHECK(plausible(prefix));
  prefix.kind = FrameKind::table;
  CHECK_FALSE(plausible(prefix));
}

TEST_CASE("frame: a reply whose payload exceeds what a reply may have is none") {
  Bytes frame;
  append_reply(frame, {}, Bytes(max_payload_bytes));
  CHECK(read_reply(frame).has_value());
  frame.push_back(0);
  CHECK_FALSE(read_reply(frame).has_value());
}
