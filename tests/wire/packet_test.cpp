#include "coterie/wire/packet.hpp"

#include <doctest/doctest.h>

#include "coterie/core/random.hpp"
#include "coterie/wire/lzw.hpp"
#include "support/hex.hpp"

using namespace coterie;
using namespace coterie::wire;
using coterie::testing::from_hex;
using coterie::testing::to_hex;

namespace {

Bytes random_bytes(Random& random, std::size_t size, std::uint64_t alphabet = 256) {
  Bytes bytes(size);
  for (auto& b : bytes) b = static_cast<std::uint8_t>(random.below(alphabet));
  return bytes;
}
Keyring ring(std::initializer_list<std::uint8_t> fills, std::size_t size = 32) {
  std::vector<Bytes> keys;
  for (const auto fill : fills) keys.emplace_back(size, fill);
  return Keyring::from(keys).value();
}
const Nonce nonce{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
const Bytes ping = encode(Ping{1, "b", {}});

/// Offers a stream byte by byte, as TCP may.
std::variant<StreamMessage, NeedMore, Refusal> open_slowly(const PacketRules& rules,
                                                           const Keyring& keys, ByteView bytes,
                                                           bool label) {
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(std::holds_alternative<NeedMore>(open_stream(rules, keys, bytes.first(size), label)));
  return open_stream(rules, keys, bytes, label);
}

}  // namespace

TEST_CASE("lzw: the golden vector of Go") {
  CHECK(to_hex(compress(Bytes(32, 'a'))) == "0982a4416c676f00a3427566ac00c3081c48b0a0c183040302");
}

TEST_CASE("lzw: whatever is compressed comes back, past every width and every clear") {
  Random random(1);
  for (const std::size_t size : {0u, 1u, 2u, 255u, 256u, 1400u, 5000u, 60'000u, 300'000u})
    for (const std::uint64_t alphabet : {1u, 2u, 16u, 256u}) {
      const auto input = random_bytes(random, size, alphabet);
      const auto back = lzw_decompress(lzw_compress(input), size);
      REQUIRE(back.has_value());
      CHECK(*back == input);
    }
}

TEST_CASE("lzw: one byte beyond the bound, a cut end and random codes are refused") {
  const Bytes input(10'000, 'x');
  const auto packed = lzw_compress(input);
  CHECK(lzw_decompress(packed, input.size()).has_value());
  CHECK_FALSE(lzw_decompress(packed, input.size() - 1).has_value());
  for (std::size_t size = 0; size < packed.size(); ++size)
    CHECK_FALSE(lzw_decompress(ByteView(packed).first(size), input.size()).has_value());
  Random random(2);
  for (int i = 0; i < 2000; ++i)
    (void)lzw_decompress(
        random_bytes(random, 1 + static_cast<std::size_t>(random.below(std::uint64_t{300}))),
        100'000);
}

TEST_CASE("crc32: the check value of the standard") {
  CHECK(crc32(view("123456789")) == 0xcbf43926);
}

TEST_CASE("keyring: the first key encrypts, any of them decrypts, the primary stays") {
  auto keys = ring({1});
  const Bytes second(16, 2);
  CHECK_FALSE(keys.use(second).has_value());
  CHECK(keys.install(second).has_value());
  CHECK(keys.install(second).has_value());
  CHECK(keys.keys().size() == 2);
  const auto old = seal(keys, nonce, ping, {});
  CHECK(keys.use(second).has_value());
  CHECK(unseal(keys, old, {}) == ping);
  CHECK_FALSE(keys.remove(second).has_value());
  CHECK(keys.remove(Bytes(32, 1)).has_value());
  CHECK_FALSE(unseal(keys, old, {}).has_value());
  CHECK_FALSE(keys.install(Bytes(15, 1)).has_value());
  for (std::uint8_t i = 0; i < max_keys - 1; ++i) CHECK(keys.install(Bytes(24, i)).has_value());
  CHECK_FALSE(keys.install(Bytes(24, 99)).has_value());
}

TEST_CASE("keyring: a key is written in base64, and back") {
  for (const std::size_t size : {16u, 24u, 32u}) {
    Random random(size);
    const auto key = random_bytes(random, size);
    CHECK(key_from_base64(to_base64(key)).value() == key);
  }
  CHECK(to_base64(view("any carnal pleas")) == "YW55IGNhcm5hbCBwbGVhcw==");
  for (const auto* bad :
       {"", "YW55", "!!!!", "YW55IGNhcm5hbCBwbGVhcw=", "YW55IGNhcm5hbCBwbGVhcw==="})
    CHECK_FALSE(key_from_base64(bad).has_value());
}

TEST_CASE("seal: the test case 4 of the GCM specification, shortened to our shape") {
  // McGrew and Viega, test case 3: 128-bit key, no additional data.
  const auto key = from_hex("feffe9928665731c6d6a8f9467308308");
  const auto plain = from_hex(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6"
      "b525"
      "b16aedf5aa0de657ba637b391aafd255");
  Nonce iv{};
  const auto iv_bytes = from_hex("cafebabefacedbaddecaf888");
  std::copy(iv_bytes.begin(), iv_bytes.end(), iv.begin());
  const auto keys = Keyring::from(std::vector<Bytes>{key}).value();
  CHECK(to_hex(seal(keys, iv, plain, {})) ==
        "01cafebabefacedbaddecaf888"
        "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac"
        "84aa05"
        "1ba30b396a0aac973d58e091473f59854d5c2af327cd64a62cf35abd2ba6fab4");
}

TEST_CASE("seal: any changed bit, another key or another context is refused") {
  const auto keys = ring({1});
  const auto sealed = seal(keys, nonce, ping, view("ctx"));
  CHECK(unseal(keys, sealed, view("ctx")) == ping);
  CHECK_FALSE(unseal(keys, sealed, view("other")).has_value());
  CHECK_FALSE(unseal(ring({2}), sealed, view("ctx")).has_value());
  // The version byte is not authenticated in this format: it is left out.
  for (std::size_t bit = 8; bit < sealed.size() * 8; ++bit) {
    auto damaged = sealed;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1 << (bit % 8));
    CHECK_FALSE(unseal(keys, damaged, view("ctx")).has_value());
  }
  for (std::size_t size = 0; size < sealed.size(); ++size)
    CHECK_FALSE(unseal(keys, ByteView(sealed).first(size), view("ctx")).has_value());
}

TEST_CASE("packet: every combination of layers opens what it closed, datagram and stream") {
  Random random(3);
  const auto large = random_bytes(random, 3000, 4);
  for (const auto& label : {std::string(), std::string("pool"), std::string(255, 'l')})
    for (const bool compressed : {false, true})
      for (const bool checksum : {false, true})
        for (const auto& keys : {Keyring(), ring({1}), ring({2, 1}, 16)})
          for (const auto& message : {ping, large}) {
            const PacketRules rules{.label = label, .compress = compressed};
            const auto datagram = close_datagram(rules, keys, nonce, message, checksum);
            CHECK(datagram.size() <= message.size() + packet_overhead(rules, keys));
            auto opened = std::get<Bytes>(open_datagram(rules, keys, datagram));
            if (!opened.empty() && opened[0] == 9)
              opened = std::get<Bytes>(decompress(ByteView(opened).subspan(1), 3000));
            CHECK(opened == message);
          }
  for (const auto& keys : {Keyring(), ring({1})}) {
    const PacketRules rules{.label = "pool", .compress = true};
    const auto bytes = close_stream(rules, keys, nonce, ping, true);
    const auto outcome = open_slowly(rules, keys, bytes, true);
    REQUIRE(std::holds_alternative<StreamMessage>(outcome));
    CHECK(to_bytes(std::get<StreamMessage>(outcome).message) == ping);
    CHECK(std::get<StreamMessage>(outcome).whole);
  }
}

TEST_CASE("packet: each layer refuses what is not its own, by name") {
  const auto keys = ring({1});
  const PacketRules plain{};
  const PacketRules labelled{.label = "pool"};
  const auto refused = [](const auto& outcome) { return std::get<Refusal>(outcome); };
  CHECK(refused(open_datagram(labelled, {}, close_datagram(plain, {}, nonce, ping, false))) ==
        Refusal::label);
  CHECK(refused(open_datagram(plain, {}, close_datagram(labelled, {}, nonce, ping, false))) ==
        Refusal::label);
  CHECK(refused(open_datagram(plain, {}, Bytes{244, 0, 1})) == Refusal::label);
  CHECK(refused(open_datagram(plain, keys, ping)) == Refusal::key);
  CHECK(std::get<Bytes>(open_datagram({.verify_incoming = false}, keys, ping)) == ping);
  auto summed = close_datagram({.compress = false}, {}, nonce, ping, true);
  summed.back() ^= 1;
  CHECK(refused(open_datagram(plain, {}, summed)) == Refusal::checksum);
  CHECK(refused(open_stream(plain, keys, ping, true)) == Refusal::plaintext);
  CHECK(refused(open_stream(plain, {}, close_stream(plain, keys, nonce, ping, true), true)) ==
        Refusal::key);
  CHECK(refused(open_stream(plain, ring({2}), close_stream(plain, keys, nonce, ping, true),
                            true)) == Refusal::key);
  CHECK(refused(open_stream(plain, keys, Bytes{10, 0xff, 0xff, 0xff, 0xff}, true)) ==
        Refusal::oversize);
  CHECK(refused(open_stream(labelled, {}, ping, true)) == Refusal::label);
  // A bomb: a small datagram that decompresses to more than allowed.
  const auto bomb = compress(Bytes(1'000'000, 0));
  CHECK(refused(decompress(ByteView(bomb).subspan(1), 64 * 1024)) == Refusal::compression);
}
