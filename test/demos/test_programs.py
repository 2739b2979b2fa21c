#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that no program outlives its test, and that a failure tells what the programs said."""

import os
import re
import sys
from unittest import mock

import programs

TALKER = (sys.executable, "-c",
          "import os, time; print(f'good evening from {os.getpid()}', flush=True); time.sleep(600)")
INTERRUPTED = "--interrupted"  # for the run of this file that is ended from outside


def problems_of(body):
    """What is said of a test that does no more than this."""
    class Case(programs.ProgramTest):
        def test(self):
            body(self)

    result = Case("test").run()
    return [text for _, text in result.failures + result.errors]


class Interrupted(programs.ProgramTest):
    def test(self):
        print(self.start(*TALKER).next_line(), flush=True)
        self.start(*TALKER).wait()


class Programs(programs.ProgramTest):
    def check_is_gone(self, process):
        with self.assertRaises(ProcessLookupError):
            os.kill(process, 0)

    def check_told(self, body):
        """The test fails, tells what its talker said, and that is gone."""
        (text,) = problems_of(body)
        said = re.search(r"^good evening from (\d+)$", text, re.MULTILINE)
        self.assertTrue(said, text)
        self.check_is_gone(int(said[1]))

    def test_what_a_program_said_is_in_the_failure_and_it_is_ended(self):
        def fail(test):
            test.start(*TALKER).next_line()
            test.fail("on purpose")

        def throw(test):
            test.start(*TALKER).next_line()
            raise OSError("on purpose")

        for body in (fail, throw):
            self.check_told(body)

    def test_a_wait_that_takes_too_long_fails(self):
        for wait in (lambda talker: talker.wait(), lambda talker: talker.wait_for("good night"),
                     lambda talker: talker.shows("good night")):
            def body(test, wait=wait):
                talker = test.start(*TALKER)
                talker.next_line()
                with mock.patch.object(programs, "PATIENCE", 0.01):
                    wait(talker)

            self.check_told(body)

    def test_a_program_that_never_ends_by_itself_is_ended(self):
        def body(test):
            with mock.patch.object(programs, "PATIENCE", 0.01):
                test.outcome(sys.executable, "-c", "import time; time.sleep(600)")

        (text,) = problems_of(body)
        self.assertIn("never ended", text)

    def test_a_program_that_has_ended_is_not_waited_for(self):
        def body(test):
            test.start(sys.executable, "-c", "print('good', 'bye')").wait_for("good night")

        (text,) = problems_of(body)
        self.assertIn("it ended", text)
        self.assertIn("\ngood bye\n(exit status 0)\n", text)

    def test_a_program_that_ends_before_it_listens_is_no_server(self):
        (text,) = problems_of(lambda test: test.start_listening("sh", "-c", "echo no port"))
        self.assertIn("no port", text)

    def test_a_program_ends_with_a_test_that_is_ended_from_outside(self):
        test = self.start(sys.executable, __file__, INTERRUPTED)
        process = int(test.wait_for("good evening from ").split()[-1])
        test.terminate()
        self.assertNotEqual(test.wait(), 0)
        self.check_is_gone(process)
        self.assertEqual(test.said.count(f"good evening from {process}\n"), 2)  # and told


if __name__ == "__main__":
    if INTERRUPTED in sys.argv:
        sys.argv[1:] = ["Interrupted"]
    else:
        del Interrupted
    programs.main()
