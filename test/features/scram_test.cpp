// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/crypto/base64.hpp"
#include "lib/crypto/hmac.hpp"
#include "lib/crypto/secret.hpp"
#include "lib/features/accounts/scram.hpp"
#include "lib/features/accounts/text_rules.hpp"

/// The login as text, without a host.
using namespace tickwire;
using namespace tickwire::detail;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}
std::vector<std::byte> vector_of(std::string_view text) {
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}
std::string hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte each : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(each) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(each) & 15];
  }
  return text;
}

// RFC 7677, section 3.
const std::string kClientFirst = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string kServerFirst =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string kClientFinal =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string kServerFinal = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
const std::string kSalt = "W22ZaJ0SNY7soEsUEjb6gQ==";
const std::string kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

ScramKeys pencil_keys() {
  return make_scram_keys(bytes_of("pencil"), *crypto::from_base64(kSalt), 4096);
}

/// A server that waits for the client's proof in RFC 7677's example.
ScramServer waiting_server() {
  ScramServer server({});
  CHECK(server.read_first(kClientFirst).empty());
  CHECK(server.first(pencil_keys(), kServerNonce) == kServerFirst);
  return server;
}

struct Outcome {
  std::string_view server;  ///< its error; empty: content
  ScramClient::Verdict client = ScramClient::Verdict::malformed;
};

/// A whole login.
Outcome log_in(std::string_view password, std::vector<std::byte> client_binding,
               std::vector<std::byte> server_binding) {
  const std::vector<std::byte> salt = vector_of("salt");
  ScramClient client("ann", std::move(client_binding), "abc");
  ScramServer server(std::move(server_binding));
  if (const auto refused = server.read_first(client.first()); !refused.empty()) return {refused};
  const auto challenge =
      client.read_first(server.first(make_scram_keys(bytes_of("right"), salt, 2), "xyz"));
  REQUIRE(challenge);
  const auto salted =
      crypto::pbkdf2_sha256(bytes_of(password), challenge->salt, challenge->iterations);
  const auto refused = server.read_final(client.final(salted));
  return {refused, refused.empty() ? client.read_final(server.final())
                                   : client.read_final(ScramServer::refuse(refused))};
}

}  // namespace

TEST_CASE("HMAC-SHA-256 gives the codes of RFC 4231") {
  CHECK(
      hex(crypto::hmac_sha256(std::vector<std::byte>(20, std::byte{0x0b}), bytes_of("Hi There"))) ==
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(hex(crypto::hmac_sha256(bytes_of("Jefe"), bytes_of("what do ya want for nothing?"))) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hex(crypto::hmac_sha256({}, {})) ==
        "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("PBKDF2 with SHA-256 gives the keys of RFC 7914") {
  CHECK(hex(crypto::pbkdf2_sha256(bytes_of("passwd"), bytes_of("salt"), 1)) ==
        "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
  CHECK(hex(crypto::pbkdf2_sha256(bytes_of("Password"), bytes_of("NaCl"), 80000)) ==
        "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

TEST_CASE("base64 is that of RFC 4648, and takes nothing that is written in another way") {
  const std::vector<std::pair<std::string, std::string>> pairs = {{"", ""},
                                                                  {"f", "Zg=="},
                                                                  {"fo", "Zm8="},
                                                                  {"foo", "Zm9v"},
                                                                  {"foob", "Zm9vYg=="},
                                                                  {"fooba", "Zm9vYmE="},
                                                                  {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : pairs) {
    CHECK(crypto::to_base64(bytes_of(plain)) == text);
    const auto back = crypto::from_base64(text);
    REQUIRE(back);
    CHECK(*back == vector_of(plain));
  }
  for (const char* bad : {"Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm9v    ",
                          "Z===", "====", "Zg==Zg==", "Zm-_", "Zm9\xff"}) {
    INFO(bad);
    CHECK_FALSE(crypto::from_base64(bad));
  }
}

TEST_CASE("secrets are wiped, and compared without a hint") {
  std::string text = "a password that is long enough to lie on the heap";
  crypto::wipe(std::as_writable_bytes(std::span(text)));
  CHECK(text == std::string(text.size(), '\0'));
  CHECK(crypto::equal_in_constant_time(bytes_of("same"), bytes_of("same")));
  CHECK_FALSE(crypto::equal_in_constant_time(bytes_of("same"), bytes_of("sane")));
  CHECK_FALSE(crypto::equal_in_constant_time(bytes_of("same"), bytes_of("sam")));
  crypto::Secret short_one("abc");
  const crypto::Secret moved = std::move(short_one);
  CHECK(moved.bytes().size() == 3);
  CHECK(short_one.bytes().empty());
}

TEST_CASE("SCRAM-SHA-256 speaks the example of RFC 7677, section 3, to the letter") {
  ScramClient client("user", {}, "rOprNGfwEbeRWgbNEkqO");
  CHECK(client.first() == kClientFirst);
  ScramServer server = waiting_server();
  CHECK(server.user() == "user");
  const auto challenge = client.read_first(kServerFirst);
  REQUIRE(challenge);
  CHECK(challenge->iterations == 4096);
  CHECK(crypto::to_base64(challenge->salt) == kSalt);
  const auto salted =
      crypto::pbkdf2_sha256(bytes_of("pencil"), challenge->salt, challenge->iterations);
  CHECK(client.final(salted) == kClientFinal);
  CHECK(server.read_final(kClientFinal).empty());
  CHECK(server.final() == kServerFinal);
  CHECK(client.read_final(kServerFinal) == ScramClient::Verdict::proven);
}

TEST_CASE("a wrong password is refused, and a server that does not know the keys is found out") {
  using Verdict = ScramClient::Verdict;
  const Outcome right = log_in("right", {}, {});
  CHECK(right.server.empty());
  CHECK(right.client == Verdict::proven);
  const Outcome wrong = log_in("wrong", {}, {});
  CHECK(wrong.server == scram_error::invalid_proof);
  CHECK(wrong.client == Verdict::refused);

  ScramClient client("user", {}, "rOprNGfwEbeRWgbNEkqO");
  REQUIRE(client.read_first(kServerFirst));
  static_cast<void>(client.final(crypto::pbkdf2_sha256(bytes_of("pencil"), {}, 1)));
  CHECK(client.read_final(kServerFinal) == Verdict::not_proven);
  CHECK(client.read_final("v=") == Verdict::not_proven);
}

TEST_CASE("a login is bound to its channel, and cannot be talked out of it") {
  const auto one = vector_of("one channel"), other = vector_of("another");
  CHECK(log_in("right", one, one).server.empty());
  CHECK(log_in("right", one, other).server == scram_error::bindings_dont_match);
  CHECK(log_in("right", one, {}).server == scram_error::binding_not_supported);
  CHECK(log_in("right", {}, one).server == scram_error::server_does_bind);
  ScramServer server(one);
  CHECK(server.read_first("y,,n=ann,r=abc") == scram_error::server_does_bind);
  CHECK(server.read_first("p=tls-unique,,n=ann,r=abc") == scram_error::binding_type);
  CHECK(server.read_first("p=tls-exporter,,n=ann,r=abc").empty());
  ScramServer plain({});
  CHECK(plain.read_first("y,,n=ann,r=abc").empty());
}

TEST_CASE("names may hold what SCRAM uses itself") {
  ScramClient client("a=b,c", {}, "abc");
  CHECK(client.first() == "n,,n=a=3Db=2Cc,r=abc");
  ScramServer server({});
  CHECK(server.read_first(client.first()).empty());
  CHECK(server.user() == "a=b,c");
}

TEST_CASE("a client's first message is refused for whatever is wrong with it") {
  struct Wrong {
    std::string text;
    std::string_view error;
  };
  using namespace scram_error;
  const std::vector<Wrong> all = {
      {"", other_error},
      {"n", other_error},
      {"n,", other_error},
      {"n,,", other_error},
      {"x,,n=ann,r=abc", other_error},
      {"nn,,n=ann,r=abc", other_error},
      {"p=,,n=ann,r=abc", other_error},
      {"p,,n=ann,r=abc", other_error},
      {"p=tls exporter,,n=ann,r=abc", other_error},
      {"n,a=bob,n=ann,r=abc", other_error},
      {"n,,m=much,n=ann,r=abc", extensions_not_supported},
      {"n,,n=,r=abc", user_encoding},
      {"n,,x=ann,r=abc", other_error},
      {"n,,r=abc,n=ann", other_error},
      {"n,,n=ann", other_error},
      {"n,,n=ann,", other_error},
      {"n,,n=ann,r=", other_error},
      {"n,,n=ann,r=a b", other_error},
      {"n,,n=ann,r=abc,", other_error},
      {"n,,n=ann,r=abc,x", other_error},
      {"n,,n=ann,r=abc,1=x", other_error},
      {"n,,n=ann,r=" + std::string(257, 'a'), other_error},
      {"n,,n=a=b,r=abc", user_encoding},
      {"n,,n=a=2c,r=abc", user_encoding},
      {"n,,n= ann,r=abc", user_encoding},
      {"n,,n=" + std::string(65, 'a') + ",r=abc", user_encoding},
      {"n,,n=\xff,r=abc", invalid_encoding},
      {"n,,n=a\nb,r=abc", invalid_encoding},
      {std::string("n,,n=a\0b,r=abc", 14), invalid_encoding},
      {"n,,n=ann,r=abc,x=" + std::string(1024, 'a'), other_error},
  };
  for (const Wrong& wrong : all) {
    const auto& [text, error] = wrong;
    INFO(wrong.text);
    CHECK(ScramServer({}).read_first(text) == error);
  }
  CHECK(ScramServer({}).read_first("n,,n=ann,r=abc,x=more").empty());
}

TEST_CASE("a server's first message is refused for whatever is wrong with it") {
  for (const char* text :
       {"", "r=abcdef", "r=abcdef,s=c2FsdA==", "s=c2FsdA==,r=abcdef,i=2", "r=abc,s=c2FsdA==,i=2",
        "r=xbcdef,s=c2FsdA==,i=2", "r=abcdef,s=,i=2", "r=abcdef,s=c2FsdA,i=2",
        "r=abcdef,s=c2FsdA==,i=", "r=abcdef,s=c2FsdA==,i=0", "r=abcdef,s=c2FsdA==,i=-1",
        "r=abcdef,s=c2FsdA==,i=02", "r=abcdef,s=c2FsdA==,i=2x", "r=abcdef,s=c2FsdA==,i=4294967296",
        "r=abcdef,s=c2FsdA==,i=2,", "m=x,r=abcdef,s=c2FsdA==,i=2", "e=other-error",
        "r=ab\x01"
        "def,s=c2FsdA==,i=2"}) {
    INFO(text);
    ScramClient client("ann", {}, "abc");
    CHECK_FALSE(client.read_first(text));
  }
  ScramClient client("ann", {}, "abc");
  CHECK(client.read_first("r=abcdef,s=c2FsdA==,i=2,x=more"));
}

TEST_CASE("a client's last message is refused for whatever is wrong with it") {
  const std::string nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const std::string proof = ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
  struct Wrong {
    std::string text;
    std::string_view error;
  };
  using namespace scram_error;
  const std::vector<Wrong> all = {
      {"", other_error},
      {"c=biws," + nonce, other_error},
      {nonce + proof, other_error},
      {nonce + ",c=biws" + proof, other_error},
      {"c=," + nonce + proof, invalid_encoding},
      {"c=biw," + nonce + proof, invalid_encoding},
      {"c=eSws," + nonce + proof, bindings_dont_match},      // y,,
      {"c=biwsAA==," + nonce + proof, bindings_dont_match},  // n,, and a byte
      {"c=biws,r=rOprNGfwEbeRWgbNEkqO" + proof, other_error},
      {"c=biws," + nonce + "x" + proof, other_error},
      {"c=biws," + nonce + ",p=", invalid_proof},
      {"c=biws," + nonce + ",p=AAAA", invalid_proof},
      {"c=biws," + nonce + ",p=dHzb", invalid_proof},
      {"c=biws," + nonce + ",p=d", invalid_encoding},
      {"c=biws," + nonce + proof + ",x=y", invalid_encoding},
      {"c=biws," + nonce + ",x=y" + proof, invalid_proof},  // allowed, but not what was signed
      {"c=biws," + nonce + ",x" + proof, other_error},
      {"c=biws," + nonce + "," + proof, other_error},
      {"c=biws," + nonce + ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVU=", invalid_proof},
      {std::string(1025, 'c'), other_error},
  };
  for (const Wrong& wrong : all) {
    const auto& [text, error] = wrong;
    INFO(wrong.text);
    CHECK(waiting_server().read_final(text) == error);
  }
}

TEST_CASE("a server's last message is refused for whatever is wrong with it") {
  using Verdict = ScramClient::Verdict;
  ScramClient client("user", {}, "rOprNGfwEbeRWgbNEkqO");
  REQUIRE(client.read_first(kServerFirst));
  static_cast<void>(client.final(crypto::pbkdf2_sha256(bytes_of("pencil"), {}, 1)));
  for (const char* text :
       {"", "v", "x=6rri", "v=6rri=", "v=6rri,", "e=", "e= ", "e=\x1b[0m", "v=\n"}) {
    INFO(text);
    CHECK(client.read_final(text) == Verdict::malformed);
  }
  CHECK(client.read_final("e=invalid-proof,x=y") == Verdict::refused);
  CHECK(client.refusal() == "invalid-proof");
}

TEST_CASE("names and passwords are UTF-8 without control characters, within their limits") {
  for (const char* good : {"ann", "Zoë", "日本", "a b", "a,b=c", "😀", "\xed\x9f\xbf"}) {
    INFO(good);
    CHECK(check_user(good));
    CHECK(check_password(good));
  }
  for (const char* bad :
       {"", "a\nb", "a\x7f", "\xc2\x85", "\xff", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80",
        "\xe2\x82", "\x80", "\xf8\x88\x80\x80\x80", "\xe0\x80\xaf"}) {
    INFO(bad);
    CHECK_FALSE(check_user(bad));
    CHECK_FALSE(check_password(bad));
  }
  CHECK_FALSE(check_user(" ann"));
  CHECK_FALSE(check_user("ann "));
  CHECK(check_password(" ann "));
  CHECK_FALSE(check_password(std::string_view("a\0b", 3)));
  CHECK(check_user(std::string(64, 'a')));
  CHECK_FALSE(check_user(std::string(65, 'a')));
  CHECK(check_password(std::string(1024, 'a')));
  CHECK_FALSE(check_password(std::string(1025, 'a')));
}
