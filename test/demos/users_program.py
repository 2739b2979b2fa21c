#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs tickwire-users as somebody who keeps a server's users would, with good input and bad."""

import stat

from programs import ProgramTest, main, take_paths
from terminals import Terminal

[USERS] = take_paths(1)


class UsersProgram(ProgramTest):
    def setUp(self):
        super().setUp()
        self.file = self.folder / "users.db"

    def run_users(self, *arguments, typed="", file=None):
        return self.outcome(USERS, "--file", file or self.file, *arguments, typed=typed)

    def done(self, *arguments, typed=""):
        result = self.run_users(*arguments, typed=typed)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def refused(self, *arguments, typed="", file=None):
        result = self.run_users(*arguments, typed=typed, file=file)
        self.assertNotEqual(result.returncode, 0, result.stdout)
        return result.stderr

    def rows(self):
        return [line.split("\t") for line in self.done("list").splitlines()]

    def test_users_are_added_listed_disabled_enabled_and_removed(self):
        self.assertEqual(self.done("list"), "")
        self.done("add", "bob", typed="daisies\n")
        self.done("add", "ann", typed="tulips\n")
        self.assertEqual([row[:3] for row in self.rows()],
                         [["ann", "enabled", "600000"], ["bob", "enabled", "600000"]])
        self.assertRegex(self.rows()[0][3], r"^\d{4}-\d\d-\d\d$")
        self.done("disable", "ann")
        self.assertEqual(self.rows()[0][1], "disabled")
        self.done("password", "ann", typed="roses\r\n")
        self.assertEqual(self.rows()[0][1], "disabled")
        self.done("enable", "ann")
        self.assertEqual(self.rows()[0][1], "enabled")
        self.done("remove", "bob")
        self.assertEqual([row[0] for row in self.rows()], ["ann"])
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertNotIn(b"tulips", self.file.read_bytes())

    def test_what_cannot_be_is_refused_with_a_sentence(self):
        self.done("add", "ann", typed="tulips\n")
        self.assertIn("already", self.refused("add", "ann", typed="roses\n"))
        for command in ("disable", "enable", "remove"):
            self.assertIn("no user 'eve'", self.refused(command, "eve"))
        self.assertIn("no user 'eve'", self.refused("password", "eve", typed="x\n"))
        self.assertIn("No password", self.refused("add", "bob"))
        self.assertIn("empty", self.refused("add", "bob", typed="\n"))
        self.assertIn("1,024", self.refused("add", "bob", typed="x" * 1025 + "\n"))
        self.assertIn("no password", self.refused("add", "bob", typed="x" * 5000))
        self.assertIn("control", self.refused("add", "bob", typed="a\x07b\n"))
        self.assertIn("64 bytes", self.refused("add", "b" * 65, typed="x\n"))
        self.assertIn("600,000", self.refused("--iterations", "1000", "list"))
        self.assertEqual(len(self.rows()), 1)

    def test_a_password_is_never_an_argument(self):
        self.assertNotEqual(self.run_users("add", "ann", "tulips").returncode, 0)
        self.assertNotEqual(self.run_users("add", "ann", "--password", "tulips").returncode, 0)

    def test_a_file_that_is_no_database_is_named(self):
        text = self.folder / "notes.txt"
        text.write_text("not a database\n" * 100)
        self.assertIn(str(text), self.refused("list", file=text))
        missing = self.folder / "missing" / "users.db"
        self.assertIn(str(missing), self.refused("list", file=missing))

    def test_without_a_command_the_help_is_offered(self):
        self.assertIn("subcommand", self.refused())
        self.assertNotEqual(self.run_users("dance").returncode, 0)
        self.assertNotEqual(self.outcome(USERS, "list").returncode, 0)
        shown = self.outcome(USERS, "--help")
        self.assertEqual(shown.returncode, 0)
        self.assertIn("disable", shown.stdout)

    def on_terminal(self, *answers):
        terminal = self.keep(Terminal(USERS, "--file", self.file, "add", "ann"))
        for question, answer in zip(("New password: ", "The same again: "), answers):
            terminal.asks(question)
            self.assertFalse(terminal.echoes())
            terminal.write(answer)
        status = terminal.wait()
        self.assertTrue(terminal.echoes(), "the terminal stays silent")
        return status, terminal.said

    def test_a_terminal_is_asked_twice_and_shows_nothing(self):
        status, shown = self.on_terminal("tulips\n", "tulips\n")
        self.assertEqual(status, 0, shown)
        self.assertNotIn("tulips", shown)
        self.assertEqual(len(self.rows()), 1)

    def test_two_different_passwords_are_none(self):
        status, shown = self.on_terminal("tulips\n", "roses\n")
        self.assertEqual(status, 1)
        self.assertIn("not the same", shown)
        self.assertEqual(self.rows(), [])

    def test_an_interrupt_leaves_the_terminal_as_it_was(self):
        status, shown = self.on_terminal("tul\x03\n")
        self.assertEqual(status, 1)
        self.assertIn("Interrupted", shown)


if __name__ == "__main__":
    main()
