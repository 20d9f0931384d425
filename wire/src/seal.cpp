#include "coterie/wire/seal.hpp"

#include <openssl/evp.h>

#include <memory>

#include "coterie/core/ensure.hpp"

namespace coterie::wire {
namespace {

constexpr std::size_t nonce_bytes = 12;
constexpr std::size_t tag_bytes = 16;
constexpr std::size_t block_bytes = 16;
constexpr std::uint8_t padded_version = 0;
constexpr std::uint8_t plain_version = 1;

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

const EVP_CIPHER* cipher_for(const Bytes& key) {
  if (key.size() == 16) return EVP_aes_128_gcm();
  return key.size() == 24 ? EVP_aes_192_gcm() : EVP_aes_256_gcm();
}

std::optional<Bytes> open_with(const Bytes& key, ByteView sealed, ByteView extra) {
  const auto body = sealed.subspan(1 + nonce_bytes, sealed.size() - seal_overhead);
  const auto tag = sealed.last(tag_bytes);
  const Context context(EVP_CIPHER_CTX_new());
  Bytes plain(body.size());
  int size = 0;
  Bytes expected = to_bytes(tag);
  bool good = EVP_DecryptInit_ex(context.get(), cipher_for(key), nullptr, key.data(),
                                 sealed.data() + 1) == 1;
  if (!extra.empty())
    good = good && EVP_DecryptUpdate(context.get(), nullptr, &size, extra.data(),
                                     static_cast<int>(extra.size())) == 1;
  good = good && EVP_DecryptUpdate(context.get(), plain.data(), &size, body.data(),
                                   static_cast<int>(body.size())) == 1;
  good = good &&
         EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, tag_bytes, expected.data()) == 1;
  std::uint8_t rest[block_bytes];
  good = good && EVP_DecryptFinal_ex(context.get(), rest, &size) == 1;
  if (!good) return std::nullopt;
  return plain;
}

/// PKCS#7: 1 to 16 bytes, each of them their number.
bool strip_padding(Bytes& plain) {
  if (plain.empty() || plain.size() % block_bytes != 0) return false;
  const std::size_t count = plain.back();
  if (count == 0 || count > block_bytes) return false;
  for (std::size_t i = plain.size() - count; i < plain.size(); ++i)
    if (plain[i] != count) return false;
  plain.erase(plain.end() - static_cast<std::ptrdiff_t>(count), plain.end());
  return true;
}

}  // namespace

Bytes seal(const Keyring& keys, const Nonce& nonce, ByteView plain, ByteView extra) {
  const auto& key = keys.primary();
  Bytes out(seal_overhead + plain.size());
  out[0] = plain_version;
  std::copy(nonce.begin(), nonce.end(), out.begin() + 1);
  auto* body = out.data() + 1 + nonce_bytes;
  const Context context(EVP_CIPHER_CTX_new());
  int size = 0;
  bool good =
      EVP_EncryptInit_ex(context.get(), cipher_for(key), nullptr, key.data(), nonce.data()) == 1;
  if (!extra.empty())
    good = good && EVP_EncryptUpdate(context.get(), nullptr, &size, extra.data(),
                                     static_cast<int>(extra.size())) == 1;
  good = good && EVP_EncryptUpdate(context.get(), body, &size, plain.data(),
                                   static_cast<int>(plain.size())) == 1;
  good = good && EVP_EncryptFinal_ex(context.get(), body + size, &size) == 1;
  good = good && EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, tag_bytes,
                                     body + plain.size()) == 1;
  COTERIE_ENSURE(good);  // AES-GCM fails for no input of ours
  return out;
}

std::optional<Bytes> unseal(const Keyring& keys, ByteView sealed, ByteView extra) {
  if (sealed.size() < seal_overhead || sealed[0] > plain_version) return std::nullopt;
  for (const auto& key : keys.keys()) {
    auto plain = open_with(key, sealed, extra);
    if (!plain) continue;
    if (sealed[0] == padded_version && !strip_padding(*plain)) return std::nullopt;
    return plain;
  }
  return std::nullopt;
}

}  // namespace coterie::wire
