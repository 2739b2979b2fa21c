#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the transfer program as a user would, with good input and bad, and kills it."""

import hashlib
import random
import time

from programs import ProgramTest, main, take_paths
from terminals import Terminal

[PROGRAM] = take_paths(1)
KILLS = 50


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TransferProgram(ProgramTest):
    def setUp(self):
        super().setUp()
        self.here, self.there = self.folder / "here", self.folder / "there"
        self.here.mkdir()
        self.there.mkdir()

    def receive(self, url="tcp://127.0.0.1:0", *more):
        """A receiver that waits, and its address."""
        receiver, (url,) = self.start_listening(PROGRAM, "receive", "--into", self.there, url,
                                                *more)
        return receiver, url

    def send(self, name, url, *more):
        return self.outcome(PROGRAM, "send", self.here / name, url, *more)

    def make(self, name, size, seed=1):
        path = self.here / name
        path.write_bytes(random.Random(seed).randbytes(size))
        return path

    def names(self):
        return sorted(path.name for path in self.there.iterdir())

    def test_a_file_is_sent_over_every_transport(self):
        file = self.make("letter.txt", 3_000_000)
        for scheme in ("tcp", "enet"):
            receiver, url = self.receive(scheme + "://127.0.0.1:0", "--once", "--when-there",
                                         "replace")
            result = self.send("letter.txt", url)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("sent letter.txt, 3.0 MB", result.stdout)
            self.assertEqual(receiver.wait(), 0)
            self.assertIn("received letter.txt, 3.0 MB", receiver.said)
            self.assertEqual(digest(self.there / "letter.txt"), digest(file))
            self.assertEqual(self.names(), ["letter.txt"])

    def test_progress_is_shown_in_lines_where_there_is_no_terminal(self):
        self.make("a", 2_000_000)
        _, url = self.receive()
        result = self.send("a", url, "--rate", "2MB")
        self.assertEqual(result.returncode, 0, result.stderr)
        shown = [line for line in result.stdout.splitlines() if "%" in line]
        self.assertGreater(len(shown), 2, result.stdout)
        self.assertNotIn("\r", result.stdout)

    def test_on_a_terminal_a_bar_moves_until_it_is_full(self):
        self.make("a", 2_000_000)
        _, url = self.receive()
        sender = self.keep(Terminal(PROGRAM, "send", self.here / "a", url, "--rate", "2MB"))
        self.assertEqual(sender.wait(), 0)
        shown = sender.said
        drawn, _, below = shown.partition("\r\n")
        line, bars = "", []
        for text in drawn.split("\r")[1:]:
            line = text + line[len(text):]  # what is longer shows below it
            self.assertRegex(line, r"^\[#*\.*\] .* of 2\.0 MB")
            self.assertEqual(line.index("]"), 31, shown)
            bars.append(line.count("#"))
        self.assertEqual(bars, sorted(bars), shown)
        self.assertLess(bars[0], 30, "it never moved")
        self.assertRegex(line, r"^\[#{30}\] 2\.0 MB of 2\.0 MB, [0-9.]+ .B/s *$", shown)
        self.assertIn("sent a, 2.0 MB", below)
        self.assertNotIn("%", shown)

    def test_a_name_that_is_there_gets_a_number_or_what_the_user_says(self):
        self.make("a.txt", 10)
        _, url = self.receive()
        for _ in range(2):
            self.assertEqual(self.send("a.txt", url).returncode, 0)
        self.assertEqual(self.names(), ["a (2).txt", "a.txt"])
        _, url = self.receive("tcp://127.0.0.1:0", "--when-there", "refuse")
        result = self.send("a.txt", url)
        self.assertEqual(result.returncode, 1)
        self.assertIn("exists", result.stderr)

    def test_bad_files_folders_and_options_are_explained(self):
        self.make("large", 20_000)
        _, url = self.receive("tcp://127.0.0.1:0", "--max-size", "10kB")
        for arguments, word in (
                (("send", self.here / "missing", url), "missing"),
                (("send", self.here, url), "regular file"),
                (("send", self.here / "large", url), "larger than is allowed"),
                (("send", self.here / "large", "carrier://x"), "carrier"),
                (("send", self.here / "large", "tcp://127.0.0.1:1", "--attempts", 1), "refused"),
                (("receive", "--into", self.here / "large", "tcp://127.0.0.1:0"), "no folder"),
                (("receive", "--into", self.there, url), "is taken"),
                (("send",), "required"),
                ((), "subcommand")):
            result = self.outcome(PROGRAM, *arguments)
            self.assertNotEqual(result.returncode, 0, arguments)
            self.assertIn(word, result.stderr + result.stdout, arguments)
        self.assertEqual(self.names(), [])

    def test_a_full_disk_is_said_at_both_ends_and_leaves_nothing(self):
        self.make("large", 3_000_000)
        script = 'ulimit -f 1000; trap "" XFSZ; exec "$@"'  # files of 1,000 blocks at most
        receiver, (url,) = self.start_listening("bash", "-c", script, "-", PROGRAM, "receive",
                                                "--into", self.there, "tcp://127.0.0.1:0")
        result = self.send("large", url)
        self.assertEqual(result.returncode, 1)
        self.assertIn("The other end: disk full", result.stderr)
        self.assertEqual(self.names(), [])
        receiver.terminate()
        receiver.wait()
        self.assertIn("File too large", receiver.said)

    def test_over_tls_the_receiver_has_a_certificate(self):
        certificate, key = self.make_certificate("receiver")
        file = self.make("secret", 1_000_000)
        _, url = self.receive("tls://127.0.0.1:0", "--certificate", certificate, "--key", key)
        result = self.send("secret", url)
        self.assertEqual(result.returncode, 1)
        self.assertIn("certificate", result.stderr)
        result = self.send("secret", url, "--pin", certificate)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(digest(self.there / "secret"), digest(file))

    def test_killed_at_a_random_moment_50_times_a_transfer_resumes_and_ends_right(self):
        seed = 20
        chance = random.Random(seed)
        file = self.make("disk image", 40_000_000, seed)
        receiver, url = self.receive("tcp://127.0.0.1:0", "--when-there", "replace")
        # Slow enough that 50 lives do not see the end, on a slow machine neither.
        command = (PROGRAM, "send", file, url, "--rate", "1MB", "--attempts", 200)
        sender = self.start(*command)
        part = self.there / "disk image.part"
        resumed = 0
        for kill in range(KILLS):
            time.sleep(chance.uniform(0, 0.12))
            before = part.stat().st_size if part.exists() else 0
            if chance.random() < 0.5:
                receiver.end()
                receiver, _ = self.receive(url, "--when-there", "replace")
            else:
                sender.end()
                sender = self.start(*command)
            after = part.stat().st_size if part.exists() else 0
            self.assertGreaterEqual(after, before, f"seed {seed}, kill {kill}: the part shrank")
            resumed += before > 0
        self.assertFalse((self.there / "disk image").exists(), "it was over before the last kill")
        self.assertGreater(resumed, KILLS // 2)
        sender.end()
        result = self.send("disk image", url)  # at full speed
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("were there already", result.stdout)
        self.assertEqual(digest(self.there / "disk image"), digest(file))
        self.assertEqual(self.names(), ["disk image"])


if __name__ == "__main__":
    main()
