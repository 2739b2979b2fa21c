// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <tickwire/transfer.hpp>

TEST_CASE("transfers of a build without OpenSSL say so") {
  tickwire::Transfers transfers;
  const auto offered = transfers.offer_file({}, "file");
  REQUIRE_FALSE(offered);
  CHECK(offered.error().code == tickwire::ErrorCode::not_supported);
  CHECK(offered.error().message().find("-Dtls=disabled") != std::string::npos);
  CHECK(transfers.accept(1, "file").error().code == tickwire::ErrorCode::not_supported);
  CHECK(transfers.cancel(1) == tickwire::ErrorCode::not_supported);
  CHECK_FALSE(transfers.info(1));
}
