#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the transfer program as a user would, with good input and bad, and kills it."""

import hashlib
import os
import pathlib
import pty
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = pathlib.Path(sys.argv[1]).resolve()
PATIENCE = 60  # seconds after which something hangs
KILLS = 50


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(*arguments):
    return subprocess.run([str(each) for each in arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE, check=False)


class TransferProgram(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="tickwire transfer ")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.here, self.there = self.folder / "here", self.folder / "there"
        self.here.mkdir()
        self.there.mkdir()
        self.processes = []
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate(timeout=PATIENCE)

    def start(self, *arguments):
        process = subprocess.Popen([PROGRAM, *(str(each) for each in arguments)],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True)
        self.processes.append(process)
        return process

    def receive(self, url="tcp://127.0.0.1:0", *more):
        """A receiver that waits, and its address."""
        ready = self.folder / "ready"
        ready.unlink(missing_ok=True)
        receiver = self.start("receive", "--into", self.there, url, "--ready-file", ready, *more)
        limit = time.monotonic() + PATIENCE
        while not ready.exists():
            if receiver.poll() is not None:
                self.fail(receiver.stdout.read())
            self.assertLess(time.monotonic(), limit, "the receiver never waited")
            time.sleep(0.005)
        return receiver, ready.read_text().strip()

    def send(self, name, url, *more):
        return run(PROGRAM, "send", self.here / name, url, *more)

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
            said, _ = receiver.communicate(timeout=PATIENCE)
            self.assertEqual(receiver.returncode, 0, said)
            self.assertIn("received letter.txt, 3.0 MB", said)
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
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        sender = subprocess.Popen([PROGRAM, "send", self.here / "a", url, "--rate", "2MB"],
                                  stdin=subprocess.DEVNULL, stdout=slave, stderr=slave)
        self.processes.append(sender)
        os.close(slave)  # reading then fails once the program has ended
        shown = b""
        try:
            while select.select([master], [], [], PATIENCE)[0]:
                shown += os.read(master, 4096)
        except OSError:
            pass
        shown = shown.decode()
        self.assertEqual(sender.wait(PATIENCE), 0, shown)
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
            result = run(PROGRAM, *arguments)
            self.assertNotEqual(result.returncode, 0, arguments)
            self.assertIn(word, result.stderr + result.stdout, arguments)
        self.assertEqual(self.names(), [])

    def test_a_full_disk_is_said_at_both_ends_and_leaves_nothing(self):
        self.make("large", 3_000_000)
        script = 'ulimit -f 1000; trap "" XFSZ; exec "$@"'  # files of 1,000 blocks at most
        ready = self.folder / "ready"
        receiver = subprocess.Popen(
            ["bash", "-c", script, "-", str(PROGRAM), "receive", "--into", str(self.there),
             "tcp://127.0.0.1:0", "--ready-file", str(ready)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.processes.append(receiver)
        limit = time.monotonic() + PATIENCE
        while not ready.exists() and time.monotonic() < limit:
            time.sleep(0.005)
        result = self.send("large", ready.read_text().strip())
        self.assertEqual(result.returncode, 1)
        self.assertIn("File too large", result.stderr)
        self.assertEqual(self.names(), [])
        receiver.terminate()
        said, _ = receiver.communicate(timeout=PATIENCE)
        self.assertIn("File too large", said)

    @unittest.skipUnless(shutil.which("openssl"), "nothing to make a certificate with")
    def test_over_tls_the_receiver_has_a_certificate(self):
        files = self.folder / "r.pem", self.folder / "r.key"
        made = run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=receiver",
                   "-addext", "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1])
        self.assertEqual(made.returncode, 0, made.stderr)
        file = self.make("secret", 1_000_000)
        _, url = self.receive("tls://127.0.0.1:0", "--certificate", files[0], "--key", files[1])
        result = self.send("secret", url)
        self.assertEqual(result.returncode, 1)
        self.assertIn("certificate", result.stderr)
        result = self.send("secret", url, "--pin", files[0])
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(digest(self.there / "secret"), digest(file))

    def test_killed_at_a_random_moment_50_times_a_transfer_resumes_and_ends_right(self):
        seed = 20
        chance = random.Random(seed)
        file = self.make("disk image", 40_000_000, seed)
        receiver, url = self.receive("tcp://127.0.0.1:0", "--when-there", "replace")
        # Slow enough that 50 lives do not see the end, on a slow machine neither.
        command = ("send", file, url, "--rate", "1MB", "--attempts", 200)
        sender = self.start(*command)
        part = self.there / "disk image.part"
        resumed = 0
        for kill in range(KILLS):
            time.sleep(chance.uniform(0, 0.12))
            before = part.stat().st_size if part.exists() else 0
            if chance.random() < 0.5:
                receiver.kill()
                receiver.wait(PATIENCE)
                receiver, _ = self.receive(url, "--when-there", "replace")
            else:
                sender.kill()
                sender.wait(PATIENCE)
                sender = self.start(*command)
            after = part.stat().st_size if part.exists() else 0
            self.assertGreaterEqual(after, before, f"seed {seed}, kill {kill}: the part shrank")
            resumed += before > 0
        self.assertFalse((self.there / "disk image").exists(), "it was over before the last kill")
        self.assertGreater(resumed, KILLS // 2)
        sender.kill()
        sender.wait(PATIENCE)
        result = self.send("disk image", url)  # at full speed
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("were there already", result.stdout)
        self.assertEqual(digest(self.there / "disk image"), digest(file))
        self.assertEqual(self.names(), ["disk image"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
