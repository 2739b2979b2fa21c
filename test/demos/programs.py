# SPDX-License-Identifier: MIT
"""Programs that a test runs as their users would.

What a `ProgramTest` starts is ended with it, whatever happens, and what it said is in the failure.
"""

import codecs
import contextlib
import os
import pathlib
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PATIENCE = 60  # seconds after which something hangs


class Program:
    """A program that runs. What it says comes in by a thread, so that no wait for it is endless."""

    def __init__(self, *command, **options):
        self.command = [str(each) for each in command]
        self.said = ""  # all of it, errors too
        self.taken = 0  # so many lines of that were asked for already
        self.is_silent = False
        self.news = threading.Condition()
        self.process, self.output = self.launch(**options)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def launch(self, stdin=subprocess.DEVNULL):
        """The process, and the descriptor that its output is read from."""
        process = subprocess.Popen(self.command, stdin=stdin, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, bufsize=0)
        return process, process.stdout.fileno()

    def read(self):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with contextlib.suppress(OSError):  # so terminals end
            while some := os.read(self.output, 65536):
                with self.news:
                    self.said += decoder.decode(some)
                    self.news.notify_all()
        with self.news:
            self.is_silent = True
            self.news.notify_all()

    def wait_until(self, is_there, what):
        """Waits for what it says; what `is_there` has then found in that."""
        with self.news:
            found = self.news.wait_for(lambda: is_there() or self.is_silent, PATIENCE) and is_there()
            if not found:
                why = "it ended" if self.is_silent else f"waited {PATIENCE} s"
                raise AssertionError(f"no {what} of {self.command[0]}: {why}")
            return found

    def wait_for(self, text):
        """The next line that holds the text; those before it are passed over."""
        def find():
            complete = self.said.split("\n")[:-1]
            places = range(self.taken, len(complete))
            return next(((complete[at], at + 1) for at in places if text in complete[at]), None)

        line, self.taken = self.wait_until(find, f"line with {text!r}")
        return line

    def next_line(self):
        return self.wait_for("")

    def shows(self, line):
        """Waits until it has said this line, no matter when."""
        self.wait_until(lambda: line in self.lines(), f"line {line!r}")

    def lines(self):
        return self.said.splitlines()

    def write(self, text):
        self.process.stdin.write(text.encode())

    def say(self, line):
        self.write(line + "\n")

    def end_input(self):
        self.process.stdin.close()

    def send_signal(self, number):
        self.process.send_signal(number)

    def terminate(self):
        self.process.terminate()

    def is_running(self):
        return self.process.poll() is None

    def wait(self):
        """Waits for its end and for its last words; the exit status."""
        try:
            status = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command[0]} never ended") from None
        self.reader.join(PATIENCE)
        return status

    def end(self):
        """Has it be gone, now."""
        if self.is_running():
            self.process.kill()
        self.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def transcript(self):
        return transcript(self.command, self.said, self.process.poll())


def transcript(command, said, status):
    end = "still runs" if status is None else f"exit status {status}"
    return f"\n$ {shlex.join(command):.300}\n{said.rstrip()}\n({end})\n"


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own that starts programs."""

    def setUp(self):
        self.programs = []
        self.outcomes = []
        folder = tempfile.TemporaryDirectory(prefix="tickwire test ")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run(self, result=None):
        """As every test is run; a failure and an interrupt tell what the programs said."""
        result = self.defaultTestResult() if result is None else result
        problems = [(each, len(each)) for each in (result.failures, result.errors)]
        try:
            super().run(result)
        except KeyboardInterrupt:
            self.doCleanups()
            print(self.transcript(), file=sys.stderr, flush=True)
            raise
        for those, before in problems:
            those[before:] = [(test, text + self.transcript()) for test, text in those[before:]]
        return result

    def transcript(self):
        ended = [transcript(*each) for each in self.outcomes]
        return "".join(ended + [program.transcript() for program in self.programs])

    def keep(self, program):
        """The program, which is ended with the test."""
        self.addCleanup(program.end)
        self.programs.append(program)
        return program

    def start(self, *command, **options):
        return self.keep(Program(*command, **options))

    def start_listening(self, *command):
        """A program that listens by now, and the lines of its ready file: its addresses."""
        ready = self.folder / f"ready {len(self.programs)}"
        program = self.start(*command, "--ready-file", ready)
        limit = time.monotonic() + PATIENCE
        while not ready.exists():
            self.assertTrue(program.is_running(), f"{program.command[0]} ended")
            self.assertLess(time.monotonic(), limit, f"{program.command[0]} never listened")
            time.sleep(0.005)
        return program, ready.read_text().splitlines()

    def outcome(self, *command, typed=None, cwd=None):
        """What becomes of a program that ends by itself."""
        command = [str(each) for each in command]
        try:
            done = subprocess.run(
                command, input=None if typed is None else typed.encode(), capture_output=True,
                stdin=subprocess.DEVNULL if typed is None else None, timeout=PATIENCE, check=False,
                cwd=cwd)
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"") + (late.stderr or b"")
            self.outcomes.append((command, said.decode(errors="replace"), None))
            raise AssertionError(f"{command[0]} never ended") from None
        done.stdout, done.stderr = (each.decode(errors="replace")
                                    for each in (done.stdout, done.stderr))
        self.outcomes.append((command, done.stdout + done.stderr, done.returncode))
        return done

    def make_certificate(self, name):
        """A certificate for this machine, and its key; over those of the same name."""
        if not shutil.which("openssl"):
            self.skipTest("nothing to make a certificate with")
        files = self.folder / (name + ".pem"), self.folder / (name + ".key")
        made = self.outcome(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "2", "-subj", "/CN=" + name, "-addext",
            "subjectAltName=IP:127.0.0.1", "-out", files[0], "-keyout", files[1])
        self.assertEqual(made.returncode, 0)
        return files


@contextlib.contextmanager
def silent_port():
    """A port that is taken, where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def take_paths(count):
    """The paths that the command line begins with; what follows them is for `unittest`."""
    paths = [pathlib.Path(each).resolve() for each in sys.argv[1:count + 1]]
    del sys.argv[1:count + 1]
    return paths


def main():
    # Who ends a test that takes too long does it so: what was started is to end with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    unittest.main(verbosity=2)
