// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <sstream>
#include <string>

#include "client/command.hpp"
#include "client/console.hpp"
#include "conversation.hpp"

using namespace std::chrono_literals;
using voice::Command;
using voice::parse_command;
using Verb = voice::Command::Verb;
using voice_test::Conversation;

TEST_CASE("each command is known, with blanks around it") {
  for (const auto& [text, verb] :
       {std::pair("mute", Verb::mute), std::pair("  unmute ", Verb::unmute),
        std::pair("\tdeafen", Verb::deafen), std::pair("undeafen", Verb::undeafen),
        std::pair("who", Verb::who), std::pair("help", Verb::help), std::pair("quit", Verb::quit),
        std::pair("", Verb::press_enter), std::pair(" \t", Verb::press_enter)}) {
    const std::string line = text;  // a lambda of doctest's cannot take a binding
    CAPTURE(line);
    const auto command = parse_command(line);
    REQUIRE(command);
    CHECK(command->verb == verb);
  }
}

TEST_CASE("a volume has a name, which may have spaces, and a number") {
  for (const auto& [text, name, percent] :
       {std::tuple("volume ann 50", "ann", 50), std::tuple("volume ann 0", "ann", 0),
        std::tuple("volume  Zoë of the hill \t 200%", "Zoë of the hill", 200),
        std::tuple("volume 7 100", "7", 100)}) {
    const std::string line = text;  // a lambda of doctest's cannot take a binding
    CAPTURE(line);
    const auto command = parse_command(line);
    REQUIRE(command);
    CHECK(command->verb == Verb::volume);
    CHECK(command->name == name);
    CHECK(command->percent == percent);
  }
}

TEST_CASE("a command that is wrong is answered with a sentence that says what is") {
  const auto answer = [](std::string_view line) {
    const auto command = parse_command(line);
    return command ? std::string("accepted") : command.error().message();
  };
  CHECK(answer("mutee") == "There is no command 'mutee'; 'help' says which there are.");
  CHECK(answer("MUTE") == "There is no command 'MUTE'; 'help' says which there are.");
  CHECK(answer("mute ann") == "Nothing comes after mute.");
  CHECK(answer("quit now") == "Nothing comes after quit.");
  for (const char* line : {"volume", "volume ann", "volume 50"})
    CHECK(answer(line) == "It is: volume NAME PERCENT.");
  for (const char* number :
       {"loud", "-1", "201", "99999999999999999999", "1e2", "0x10", "5.5", "+5", "%", "5%%"}) {
    CHECK(answer("volume ann " + std::string(number)) ==
          "A volume is a whole number from 0 to 200, not '" + std::string(number) + "'.");
  }
}

TEST_CASE("every command is in the help, and the console answers each line") {
  Conversation talk;
  auto& ann = talk.enter("ann", "den", 180);
  auto& bob = talk.enter("bob", "den", 0);
  talk.run(500ms);
  std::ostringstream out;
  voice::Console console(*bob.client, out);
  const auto answer = [&](const char* line) {
    out.str("");
    console.take(line);
    return out.str();
  };
  const std::string help = answer("help");
  for (const char* verb : {"mute", "unmute", "deafen", "undeafen", "volume", "who", "quit"})
    CHECK(help.find(verb) != std::string::npos);
  CHECK(answer("mute") == "you are muted\n");
  CHECK(answer("deafen") == "you are deafened\n");
  CHECK(answer("undeafen") == "you are muted\n");
  CHECK(answer("unmute") == "you are not muted\n");
  CHECK(answer("volume ann 30") == "ann: 30 %\n");
  CHECK(answer("volume\x1b[2J 30") ==
        "There is no command 'volume?[2J'; 'help' says which there are.\n");
  CHECK(answer("volume cleo 30") == "Nobody in the room is called cleo.\n");
  CHECK(answer("") == "");
  talk.run(500ms);
  const std::string who = answer("who");
  CHECK(who.find("you: not muted\nann: 30 %") == 0);
  CHECK_FALSE(console.wants_to_quit());
  CHECK(answer("quit") == "");
  CHECK(console.wants_to_quit());
  CHECK(ann.client->state() == voice::Client::State::talking);
}
