#include "coterie/core/error.hpp"

namespace coterie {
namespace {

class Category final : public std::error_category {
 public:
  const char* name() const noexcept override { return "coterie"; }
  std::string message(int code) const override {
    switch (static_cast<Errc>(code)) {
      case Errc::unavailable: return "unavailable";
      case Errc::busy: return "busy";
      case Errc::deadline_exceeded: return "deadline exceeded, outcome unknown";
      case Errc::refused: return "refused";
      case Errc::unknown_entity_type: return "unknown entity type";
      case Errc::message_too_large: return "message too large";
      case Errc::expired: return "expired before it was decided";
      case Errc::fault: return "entity fault";
      case Errc::moved: return "moved";
      case Errc::malformed: return "malformed";
      case Errc::storage: return "storage";
      case Errc::configuration: return "configuration";
      case Errc::wrong_cluster: return "wrong cluster";
      case Errc::command_expired: return "command id too old";
      case Errc::wrong_thread: return "blocking call on a worker thread";
    }
    return "unknown status " + std::to_string(code);
  }
};

}  // namespace

const std::error_category& coterie_category() noexcept {
  static const Category category;
  return category;
}

std::string to_string(const Error& error) {
  const auto message = error.code.message();
  return error.detail.empty() ? message : error.detail + " (" + message + ")";
}

}  // namespace coterie
