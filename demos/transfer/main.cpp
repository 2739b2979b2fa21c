// SPDX-License-Identifier: MIT
#include <CLI/CLI.hpp>
#include <map>

#include "demos/shared/program.hpp"
#include "demos/shared/standard_streams.hpp"
#include "programs.hpp"
#include "progress.hpp"

namespace transfer {
namespace {

void add_send(CLI::App& app, SendOptions& options) {
  app.add_option("file", options.file, "what to send")->required();
  app.add_option("url", options.url, "where the receiver waits, as in tcp://example.org:7000")
      ->required();
  app.add_option("--rate", options.max_bytes_per_second, "bytes per second at most, as in 2MB")
      ->transform(CLI::AsSizeValue(true))
      ->check(CLI::PositiveNumber);
  app.add_option("--attempts", options.attempts, "calls before it gives up, each time");
  app.add_option("--ca", options.tls.ca_file,
                 "for tls://: whose certificates to believe, PEM (default: the system's)");
  app.add_option("--pin", options.tls.pinned_certificate_file,
                 "for tls://: the one certificate that the receiver must show, PEM");
  app.add_option("--server-name", options.tls.server_name,
                 "for tls://: the name in the receiver's certificate (default: the address)");
}

void add_receive(CLI::App& app, ReceiveOptions& options) {
  static const std::map<std::string, tickwire::WhenThere> choices{
      {"refuse", tickwire::WhenThere::refuse},
      {"replace", tickwire::WhenThere::replace},
      {"number", tickwire::WhenThere::number}};
  app.add_option("url", options.url, "where to wait, as in tcp://0.0.0.0:7000")->required();
  app.add_option("--into", options.folder, "the folder that files go to")->required();
  app.add_option("--when-there", options.when_there,
                 "for a name that is taken: refuse, replace, number (default)")
      ->transform(CLI::CheckedTransformer(choices));
  app.add_option("--max-size", options.max_size_bytes, "of a file, as in 4GB")
      ->transform(CLI::AsSizeValue(true));
  app.add_flag("--once", options.once, "end after the first file");
  app.add_option("--ready-file", options.ready_file, "gets the address once it waits there");
  app.add_option("--certificate", options.tls.certificate_file,
                 "for tls://: this receiver's certificate and its issuers, PEM");
  app.add_option("--key", options.tls.private_key_file,
                 "for tls://: the certificate's private key, PEM");
}

int run(int argc, char** argv) {
  CLI::App app("Sends a file, or receives files, and goes on where it was broken off.");
  app.require_subcommand(1);
  SendOptions send;
  auto* const sends = app.add_subcommand("send", "send a file to whoever waits at a URL");
  add_send(*sends, send);
  ReceiveOptions receive;
  auto* const receives = app.add_subcommand("receive", "wait at a URL, and take what is offered");
  add_receive(*receives, receive);
  CLI11_PARSE(app, argc, argv);
  demo::catch_stop_signals();
  return sends->parsed() ? send_file(send) : receive_files(receive);
}

}  // namespace

}  // namespace transfer

int main(int argc, char** argv) {
  demo::open_standard_streams();
  return demo::run_guarded([&] { return transfer::run(argc, argv); });
}
