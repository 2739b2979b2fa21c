#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a room and its guests as users would, with good input and bad."""

import array
import fcntl
import subprocess
import termios
import time

from programs import PATIENCE, ProgramTest, main, take_paths

CHAT, USERS = take_paths(2)


class ChatProgram(ProgramTest):
    def setUp(self):
        super().setUp()
        self.certificate, self.key = self.make_certificate("room")
        self.users = self.folder / "users.db"
        for name in ("ann", "bob"):
            added = self.outcome(USERS, "--file", self.users, "add", name,
                                 typed=f"{name}'s password\n")
            self.assertEqual(added.returncode, 0)

    def open_room(self, *more):
        room, (url,) = self.start_listening(
            CHAT, "room", "--listen", "tls://127.0.0.1:0", "--users", self.users, "--certificate",
            self.certificate, "--key", self.key, *more)
        return url, room

    def join(self, url, user, password):
        """One who is in the room, or tries to get there."""
        guest = self.start(CHAT, "join", url, "--user", user, "--pin", self.certificate,
                           stdin=subprocess.PIPE)
        guest.say(password)
        return guest

    def test_guests_hear_each_other_and_who_comes_later_reads_what_was_said(self):
        url, room = self.open_room()
        ann = self.join(url, "ann", "ann's password")
        ann.shows("* here: ann")
        ann.say("anybody here?")
        ann.shows("ann: anybody here?")
        bob = self.join(url, "bob", "bob's password")
        bob.shows("ann: anybody here?")
        bob.shows("* here: ann bob")
        ann.shows("* bob is here")
        bob.say("I am, ünïcode \x1b[31mand\x07 all")
        ann.shows("bob: I am, ünïcode ?[31mand? all")
        bob.say("/quit")
        self.assertEqual(bob.wait(), 0)
        ann.shows("* bob is gone")
        room.terminate()
        self.assertEqual(room.wait(), 0)
        self.assertEqual(ann.wait(), 1)
        self.assertIn("the room closes", ann.said)

    def test_the_end_of_a_guests_input_says_goodbye_once_all_is_said(self):
        url, _ = self.open_room()
        ann = self.join(url, "ann", "ann's password")
        ann.shows("* here: ann")
        bob = self.join(url, "bob", "bob's password")
        bob.shows("* here: ann bob")
        bob.say("one")
        bob.say("two")
        bob.end_input()
        self.assertEqual(bob.wait(), 0)
        ann.shows("bob: two")
        ann.shows("* bob is gone")

    def test_a_wrong_password_and_an_unknown_user_stay_outside_and_hear_the_same(self):
        url, _ = self.open_room()
        for user, password in (("ann", "bob's password"), ("eve", "ann's password")):
            guest = self.join(url, user, password)
            self.assertEqual(guest.wait(), 1)
            self.assertEqual(len(guest.lines()), 2)
            self.assertNotIn("* here", guest.said)

    def test_who_talks_too_much_is_sent_away(self):
        url, _ = self.open_room()
        ann = self.join(url, "ann", "ann's password")
        ann.shows("* here: ann")
        for number in range(50):
            ann.say(f"line {number}")
        self.assertEqual(ann.wait(), 1)
        self.assertIn("too much at once", ann.said)

    def test_a_room_needs_its_users_and_says_what_is_wrong_with_them(self):
        not_a_database = self.folder / "no database"
        not_a_database.write_text("hello " * 1000)
        done = self.outcome(CHAT, "room", "--users", not_a_database)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(not_a_database), done.stderr)
        bad_access = self.folder / "access"
        bad_access.write_text("192.0.2.0/24\nnobody\n")
        done = self.outcome(CHAT, "room", "--users", self.users, "--access", bad_access)
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2", done.stderr)

    def test_a_room_that_cannot_say_where_it_is_ends(self):
        ready = self.folder / "no folder" / "ready"
        done = self.outcome(
            CHAT, "room", "--listen", "tls://127.0.0.1:0", "--users", self.users, "--certificate",
            self.certificate, "--key", self.key, "--ready-file", ready)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{ready}: cannot be written", done.stderr)

    def test_who_is_ended_while_the_password_is_read_ends(self):
        guest = self.start(CHAT, "join", "tls://127.0.0.1:1", "--user", "ann",
                           stdin=subprocess.PIPE)
        guest.write("x")
        limit = time.monotonic() + PATIENCE
        while self.waiting_bytes(guest.process.stdin):
            self.assertLess(time.monotonic(), limit, "the password is not read")
            time.sleep(0.01)
        guest.terminate()
        self.assertEqual(guest.wait(), 1)
        self.assertIn("Interrupted", guest.said)

    @staticmethod
    def waiting_bytes(pipe):
        """What was written into a pipe and not read yet."""
        count = array.array("i", [0])
        fcntl.ioctl(pipe.fileno(), termios.FIONREAD, count)
        return count[0]

    def test_addresses_on_the_access_list_stay_outside(self):
        access = self.folder / "access"
        access.write_text("127.0.0.0/8\n")
        url, _ = self.open_room("--access", access)
        guest = self.join(url, "ann", "ann's password")
        self.assertEqual(guest.wait(), 1)


if __name__ == "__main__":
    main()
