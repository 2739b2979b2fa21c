// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <tickwire/codec.hpp>

namespace tickwire::detail {

/// Which of the four messages of a login it is.
enum class LoginStep : std::uint8_t {
  client_first = 1,
  server_first = 2,
  client_final = 3,
  server_final = 4,
};

/// What two `Accounts` say to each other: SCRAM's text, RFC 5802, section 7.
struct LoginWords {
  std::uint8_t step = 0;
  std::string text;
};

template <class Archive>
void serialize(Archive& archive, LoginWords& words) {
  archive(words.step, words.text);
}
TICKWIRE_MESSAGE(LoginWords, "tickwire.login");

}  // namespace tickwire::detail
