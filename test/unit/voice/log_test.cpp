// SPDX-License-Identifier: MIT
#include "demos/shared/log.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pty.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <string>
#include <vector>

namespace {

/// Where a log is written to, and read from without waiting.
struct Ends {
  int read = -1;
  int write = -1;

  ~Ends() {
    close_reader();
    close(write);
  }
  void close_reader() {
    if (read >= 0) close(read);
    read = -1;
  }
  std::string take() {
    std::string text;
    std::array<char, 4096> part{};
    for (ssize_t got = 0; (got = ::read(read, part.data(), part.size())) > 0;)
      text.append(part.data(), static_cast<std::size_t>(got));
    return text;
  }
};

struct Pipe : Ends {
  Pipe() {
    int both[2];
    REQUIRE(pipe(both) == 0);
    read = both[0];
    write = both[1];
    REQUIRE(fcntl(read, F_SETFL, O_NONBLOCK) == 0);
  }
};

struct Terminal : Ends {
  Terminal() {
    REQUIRE(openpty(&read, &write, nullptr, nullptr, nullptr) == 0);
    REQUIRE(fcntl(read, F_SETFL, O_NONBLOCK) == 0);
    termios raw{};
    REQUIRE(tcgetattr(write, &raw) == 0);
    cfmakeraw(&raw);
    REQUIRE(tcsetattr(write, TCSANOW, &raw) == 0);
  }
};

std::string numbered(int number) {
  return "line " + std::to_string(number) + ' ' + std::string(100, '-');
}

void write_numbered(demo::Log& log, int count) {
  for (int i = 0; i < count; ++i)
    log.write(numbered(i));
}

// As its reader goes on, the log does.
std::vector<std::string> read_all(demo::Log& log, Ends& ends) {
  std::string text;
  for (std::string part = ends.take(); !part.empty(); part = ends.take()) {
    text += part;
    log.flush();
  }
  std::vector<std::string> lines;
  for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1))
    lines.push_back(text.substr(0, end));
  CHECK(text.empty());
  return lines;
}

// Every line is there whole and in order, but for those of which it says that they are not.
void check_numbered(const std::vector<std::string>& lines, int count) {
  const std::string notice = "(nobody read on; lines left out: ";
  int next = 0;
  for (const std::string& line : lines) {
    if (line.starts_with(notice)) {
      next += std::stoi(line.substr(notice.size()));
    } else {
      REQUIRE(line == numbered(next));
      ++next;
    }
  }
  CHECK(next == count);
  CHECK(lines.size() < static_cast<std::size_t>(count));
}

}  // namespace

TEST_CASE("what a log says can be read at once") {
  Pipe pipe;
  demo::Log log(pipe.write);
  log.write("one");
  CHECK(pipe.take() == "one\n");
  log.write("");
  log.write("two");
  CHECK(pipe.take() == "\ntwo\n");
}

TEST_CASE("a log goes on while nobody reads, and says what it left out") {
  Pipe pipe;
  demo::Log log(pipe.write);
  write_numbered(log, 5000);
  const auto lines = read_all(log, pipe);
  check_numbered(lines, 5000);
  CHECK(lines.front() == numbered(0));
  CHECK(lines.back() == numbered(4999));
  log.write("on");
  CHECK(pipe.take() == "on\n");
}

TEST_CASE("a log goes on while its terminal is stopped") {
  Terminal terminal;
  demo::Log log(terminal.write);
  REQUIRE(tcflow(terminal.write, TCOOFF) == 0);
  write_numbered(log, 5000);
  REQUIRE(tcflow(terminal.write, TCOON) == 0);
  log.flush();
  check_numbered(read_all(log, terminal), 5000);
}

TEST_CASE("a log goes on while its terminal is full") {
  Terminal terminal;
  demo::Log log(terminal.write);
  write_numbered(log, 5000);
  check_numbered(read_all(log, terminal), 5000);
}

TEST_CASE("a log whose reader is gone waits for nobody") {
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  demo::Log log(pipe.write);
  write_numbered(log, 2000);
  pipe.close_reader();
  write_numbered(log, 2000);
  std::signal(SIGPIPE, before);
}
