#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a room and its guests as users would, with good input and bad."""

import array
import fcntl
import pathlib
import subprocess
import sys
import tempfile
import termios
import threading
import time
import unittest

CHAT, USERS = (pathlib.Path(path).resolve() for path in sys.argv[1:3])
PATIENCE = 30  # seconds after which something hangs


class Guest:
    """One who is in the room, or tries to get there. What it shows comes in by a thread."""

    def __init__(self, test, url, user, password, *more):
        self.test = test
        self.shown = []
        self.process = subprocess.Popen(
            [str(CHAT), "join", url, "--user", user, *map(str, more)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
        test.addCleanup(self.end)
        self.reader = threading.Thread(target=self.read)
        self.reader.start()
        self.say(password)

    def read(self):
        for line in self.process.stdout:
            self.shown.append(line.rstrip("\n"))

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def sees(self, line):
        limit = time.monotonic() + PATIENCE
        while line not in self.shown:
            self.test.assertLess(time.monotonic(), limit, f"no '{line}' in {self.shown}")
            time.sleep(0.01)

    def leaves(self):
        status = self.process.wait(timeout=PATIENCE)
        self.reader.join()
        return status

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


class ChatProgram(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tickwire chat ")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.certificate = self.folder / "room.pem"
        self.key = self.folder / "room key.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=room", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", self.key, "-out", self.certificate],
            check=True, capture_output=True, timeout=PATIENCE)
        self.users = self.folder / "users.db"
        for name in ("ann", "bob"):
            self.run_users("add", name, password=f"{name}'s password")

    def run_users(self, *arguments, password):
        done = subprocess.run([USERS, "--file", self.users, *arguments], input=password + "\n",
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def open_room(self, *more):
        ready = self.folder / "ready"
        room = subprocess.Popen(
            [str(CHAT), "room", "--listen", "tls://127.0.0.1:0", "--users", str(self.users),
             "--certificate", str(self.certificate), "--key", str(self.key), "--ready-file",
             str(ready), *map(str, more)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(self.close, room)
        limit = time.monotonic() + PATIENCE
        while not ready.exists() or not ready.read_text().endswith("\n"):
            self.assertIsNone(room.poll(), "the room ended")
            self.assertLess(time.monotonic(), limit, "the room never opened")
            time.sleep(0.01)
        return ready.read_text().strip(), room

    def close(self, room):
        if room.poll() is None:
            room.kill()
        room.wait()

    def join(self, url, user, password):
        return Guest(self, url, user, password, "--pin", self.certificate)

    def test_guests_hear_each_other_and_who_comes_later_reads_what_was_said(self):
        url, room = self.open_room()
        ann = self.join(url, "ann", "ann's password")
        ann.sees("* here: ann")
        ann.say("anybody here?")
        ann.sees("ann: anybody here?")
        bob = self.join(url, "bob", "bob's password")
        bob.sees("ann: anybody here?")
        bob.sees("* here: ann bob")
        ann.sees("* bob is here")
        bob.say("I am, ünïcode \x1b[31mand\x07 all")
        ann.sees("bob: I am, ünïcode ?[31mand? all")
        bob.say("/quit")
        self.assertEqual(bob.leaves(), 0)
        ann.sees("* bob is gone")
        room.terminate()
        self.assertEqual(room.wait(timeout=PATIENCE), 0)
        self.assertEqual(ann.leaves(), 1)
        self.assertIn("the room closes", "\n".join(ann.shown))

    def test_the_end_of_a_guests_input_says_goodbye_once_all_is_said(self):
        url, _ = self.open_room()
        ann = self.join(url, "ann", "ann's password")
        ann.sees("* here: ann")
        bob = self.join(url, "bob", "bob's password")
        bob.sees("* here: ann bob")
        bob.say("one")
        bob.say("two")
        bob.process.stdin.close()
        self.assertEqual(bob.leaves(), 0)
        ann.sees("bob: two")
        ann.sees("* bob is gone")

    def test_a_wrong_password_and_an_unknown_user_stay_outside_and_hear_the_same(self):
        url, _ = self.open_room()
        for user, password in (("ann", "bob's password"), ("eve", "ann's password")):
            guest = self.join(url, user, password)
            self.assertEqual(guest.leaves(), 1)
            self.assertEqual(len(guest.shown), 2, guest.shown)
            self.assertNotIn("* here", guest.shown[0])

    def test_who_talks_too_much_is_sent_away(self):
        url, _ = self.open_room()
        ann = self.join(url, "ann", "ann's password")
        ann.sees("* here: ann")
        for number in range(50):
            ann.say(f"line {number}")
        self.assertEqual(ann.leaves(), 1)
        self.assertIn("too much at once", "\n".join(ann.shown))

    def test_a_room_needs_its_users_and_says_what_is_wrong_with_them(self):
        not_a_database = self.folder / "no database"
        not_a_database.write_text("hello " * 1000)
        done = subprocess.run([CHAT, "room", "--users", not_a_database], capture_output=True,
                              text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(not_a_database), done.stderr)
        bad_access = self.folder / "access"
        bad_access.write_text("192.0.2.0/24\nnobody\n")
        done = subprocess.run([CHAT, "room", "--users", self.users, "--access", bad_access],
                              capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("line 2", done.stderr)

    def test_a_room_that_cannot_say_where_it_is_ends(self):
        ready = self.folder / "no folder" / "ready"
        done = subprocess.run(
            [CHAT, "room", "--listen", "tls://127.0.0.1:0", "--users", self.users, "--certificate",
             self.certificate, "--key", self.key, "--ready-file", ready],
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{ready}: cannot be written", done.stderr)

    def test_who_is_ended_while_the_password_is_read_ends(self):
        guest = subprocess.Popen([CHAT, "join", "tls://127.0.0.1:1", "--user", "ann"],
                                 stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(guest.communicate)
        guest.stdin.write(b"x")
        guest.stdin.flush()
        limit = time.monotonic() + PATIENCE
        while self.waiting_bytes(guest.stdin):
            self.assertLess(time.monotonic(), limit, "the password is not read")
            time.sleep(0.01)
        guest.terminate()
        self.assertEqual(guest.wait(timeout=PATIENCE), 1)
        self.assertIn(b"Interrupted", guest.stderr.read())

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
        self.assertEqual(guest.leaves(), 1)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
