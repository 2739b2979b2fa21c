// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "support/options.hpp"
#include "support/process.hpp"
#include "support/report.hpp"
#include "support/socket.hpp"
#include "support/transfer_files.hpp"
#include "support/usage.hpp"

/// How fast a file gets from one process to another and onto its disk with the operating system
/// alone: by `sendfile` without a checksum, or with a SHA-256 at each end as a transfer has it.
namespace {

constexpr std::size_t kBlockBytes = 256 * 1024;

struct Options {
  std::string workload = "transfer";
  std::string peer = "sendfile";
  std::string folder;
  bool has_checksums = false;
  std::size_t bytes = std::size_t{1} << 30;
};

Options read_options(int argc, char** argv) {
  Options options;
  CLI::App app("Measures how fast a file is sent by hand, and prints it as lines of JSON.");
  bench::add_names(app, options.workload, options.peer);
  app.add_option("--folder", options.folder, "where the files are (default: temporary files)");
  app.add_option("--bytes", options.bytes, "the file's size")->transform(CLI::AsSizeValue(false));
  app.add_flag("--checksums", options.has_checksums, "a SHA-256 at each end");
  bench::read_or_exit(app, argc, argv);
  if (options.folder.empty()) options.folder = std::filesystem::temp_directory_path();
  return options;
}

class Checksum {
 public:
  Checksum() : context_(EVP_MD_CTX_new(), EVP_MD_CTX_free) {
    if (context_ == nullptr || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1)
      throw std::runtime_error("OpenSSL makes no SHA-256.");
  }
  void update(const std::byte* bytes, std::size_t size) {
    EVP_DigestUpdate(context_.get(), bytes, size);
  }
  using Sum = std::array<unsigned char, 32>;
  [[nodiscard]] Sum end() {
    Sum sum{};
    EVP_DigestFinal_ex(context_.get(), sum.data(), nullptr);
    return sum;
  }

 private:
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context_;
};

void send_all(const bench::Socket& socket, const void* bytes, std::size_t size) {
  for (const auto* next = static_cast<const std::byte*>(bytes); size > 0;) {
    const ssize_t sent = ::send(socket.descriptor(), next, size, MSG_NOSIGNAL);
    if (sent < 0) bench::throw_system_error("send");
    next += sent;
    size -= static_cast<std::size_t>(sent);
  }
}

void send_by_system(const bench::Socket& socket, const bench::Socket& file) {
  for (ssize_t sent = 1; sent != 0;) {
    sent = ::sendfile(socket.descriptor(), file.descriptor(), nullptr, 1 << 30);
    if (sent < 0) bench::throw_system_error("sendfile");
  }
}

/// The checksum comes behind the file.
void send_with_checksum(const bench::Socket& socket, const bench::Socket& file) {
  std::vector<std::byte> block(kBlockBytes);
  Checksum sum;
  while (true) {
    const ssize_t count = ::read(file.descriptor(), block.data(), block.size());
    if (count < 0) bench::throw_system_error("read");
    if (count == 0) break;
    sum.update(block.data(), static_cast<std::size_t>(count));
    send_all(socket, block.data(), static_cast<std::size_t>(count));
  }
  const auto end = sum.end();
  send_all(socket, end.data(), end.size());
}

void send(const Options& options, const std::string& path, std::uint16_t port) {
  const bench::Socket socket(bench::dial_loopback(port));
  const bench::Socket file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.descriptor() < 0) bench::throw_system_error("open");
  options.has_checksums ? send_with_checksum(socket, file) : send_by_system(socket, file);
}

/// As many bytes as the block has, or as come before the end.
std::size_t receive_some(const bench::Socket& socket, std::vector<std::byte>& block,
                         std::size_t most) {
  const std::size_t room = std::min(block.size(), most);
  const ssize_t count = ::recv(socket.descriptor(), block.data(), room, 0);
  if (count < 0) bench::throw_system_error("recv");
  return static_cast<std::size_t>(count);
}

/// Reads into a buffer and writes to a file, which is synced as a transfer's is.
void receive(const Options& options, const bench::Socket& socket, const std::string& path) {
  const bench::Socket file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (file.descriptor() < 0) bench::throw_system_error("open");
  std::vector<std::byte> block(kBlockBytes);
  Checksum sum;
  for (std::size_t left = options.bytes; left > 0;) {
    const std::size_t count = receive_some(socket, block, left);
    if (count == 0) throw std::runtime_error("Not everything came.");
    if (options.has_checksums) sum.update(block.data(), count);
    if (::write(file.descriptor(), block.data(), count) != static_cast<ssize_t>(count))
      bench::throw_system_error("write");
    left -= count;
  }
  if (options.has_checksums) {
    Checksum::Sum told{};
    if (::recv(socket.descriptor(), told.data(), told.size(), MSG_WAITALL) !=
            static_cast<ssize_t>(told.size()) ||
        told != sum.end())
      throw std::runtime_error("The checksum is wrong.");
  }
  ::fsync(file.descriptor());
}

void report(const Options& options, std::string_view metric, double value, std::string_view unit,
            std::string_view better) {
  bench::Figure figure({.workload = options.workload,
                        .peer = options.peer,
                        .metric = metric,
                        .value = value,
                        .unit = unit,
                        .better = better});
  figure.add("transport", "tcp").add("file_bytes", options.bytes).add_two_processes();
  figure.print();
}

void run(const Options& options) {
  using Clock = std::chrono::steady_clock;
  const bench::TransferFiles files(options.folder, options.bytes);
  const double used_before = bench::processor_seconds();
  const bench::Socket listener = bench::listen_on_loopback();
  bench::Child sender([&] { send(options, files.source(), bench::port_of(listener)); });
  const bench::Socket socket = bench::accept_one(listener);
  const auto begin = Clock::now();
  receive(options, socket, files.target());
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  sender.join();
  const auto gigabytes = static_cast<double>(options.bytes) / 1e9;
  report(options, "speed", gigabytes * 1e3 / seconds, "MB/s", "higher");
  report(options, "processor_time", (bench::processor_seconds() - used_before) / gigabytes, "s/GB",
         "lower");
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  return bench::run_program(120, [&] { run(options); });
}
