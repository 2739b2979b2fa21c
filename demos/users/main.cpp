// SPDX-License-Identifier: MIT
// Keeps the users of a server: adds, lists, disables, enables and removes them, sets passwords.
#include <chrono>
#include <cstdint>
#include <functional>
#include <iostream>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include <tickwire/accounts.hpp>
#include <tickwire/config.hpp>

#include "demos/users/password.hpp"

namespace {

using tickwire::Result;
using tickwire::UserDatabase;
using tickwire::UserState;

struct Options {
  std::string file;
  tickwire::Login user;  // its password is wiped in the end
  std::uint32_t iterations = tickwire::kSafeIterations;
};

int fail(const std::string& sentence) {
  std::cerr << sentence << '\n';
  return 1;
}

int outcome(const Result<void>& result) {
  return result ? 0 : fail(result.error().message());
}

std::string date_text(std::chrono::system_clock::time_point time) {
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  const auto two = [](unsigned number) {
    return (number < 10 ? "-0" : "-") + std::to_string(number);
  };
  return std::to_string(int{day.year()}) + two(unsigned{day.month()}) + two(unsigned{day.day()});
}

int list(const UserDatabase& users) {
  const auto all = users.users();
  if (!all) return fail(all.error().message());
  for (const auto& each : *all) {
    std::cout << each.name << '\t' << (each.state == UserState::enabled ? "enabled" : "disabled")
              << '\t' << each.iterations << '\t' << date_text(each.password_set) << '\n';
  }
  return 0;
}

using Change = Result<void> (UserDatabase::*)(std::string_view, std::string_view);

int with_password(UserDatabase& users, Options& options, Change change) {
  std::string problem;
  if (!users::read_new_password(options.user.password, problem)) return fail(problem);
  return outcome((users.*change)(options.user.user, options.user.password));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  std::function<int(UserDatabase&)> action;
  CLI::App app("Keeps the users of a Tickwire server.");
  app.add_option("--file", options.file, "the database; made if it is missing")->required();
  app.add_option(
      "--iterations", options.iterations,
      "what a guess at a stolen password costs, for passwords set now; 600,000 at least");
  app.require_subcommand(1);
  app.fallthrough();
  const auto command = [&](const std::string& name, const std::string& words,
                           std::function<int(UserDatabase&)> run) {
    CLI::App* sub = app.add_subcommand(name, words);
    sub->callback([&action, run = std::move(run)] { action = run; });
    return sub;
  };
  const auto user_command = [&](const std::string& name, const std::string& words,
                                std::function<int(UserDatabase&)> run) {
    command(name, words, std::move(run))
        ->add_option("name", options.user.user, "the user's name")
        ->required();
  };
  const std::string how = " (asked for on the terminal, or a line of standard input)";
  user_command("add", "adds a user with a password" + how, [&](UserDatabase& users) {
    return with_password(users, options, &UserDatabase::add);
  });
  user_command("password", "gives a user another password" + how, [&](UserDatabase& users) {
    return with_password(users, options, &UserDatabase::set_password);
  });
  user_command("disable", "lets a user log in no more", [&](UserDatabase& users) {
    return outcome(users.set_state(options.user.user, UserState::disabled));
  });
  user_command("enable", "lets a user log in again", [&](UserDatabase& users) {
    return outcome(users.set_state(options.user.user, UserState::enabled));
  });
  user_command("remove", "forgets a user",
               [&](UserDatabase& users) { return outcome(users.remove(options.user.user)); });
  command("list", "prints name, state, iterations, and the day the password was set, with tabs",
          [](UserDatabase& users) { return list(users); });
  CLI11_PARSE(app, argc, argv);

  const auto users = UserDatabase::open(options.file, {.iterations = options.iterations});
  if (!users) return fail(users.error().message());
  return action(**users);
}
