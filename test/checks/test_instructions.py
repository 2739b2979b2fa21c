#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows instructions.py red and green, with a valgrind that counts what it is told to."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("instructions.py")
PROGRAM = '#!/bin/sh\necho "gcc 12 x86_64"\n'
# A start of 5,000,000 instructions, and so many for each message.
VALGRIND = """#!/bin/sh
file=${2#--callgrind-out-file=}
case $4 in
  codec) each=CODEC ;;
  *) each=500 ;;
esac
echo "events: Ir
summary: $((5000000 + each * $5))
totals: $((5000000 + each * $5))" >"$file"
"""
WRITTEN_DOWN = {"codec": 1000.0, "session": 500.0, "host": 500.0}


class InstructionsTest(unittest.TestCase):
    def check(self, codec=1000, figures=None, valgrind=VALGRIND, options=()):
        """Exit status and output of the check where the codec costs so much, and its figures."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            texts = {"program": PROGRAM, "valgrind": valgrind.replace("CODEC", str(codec))}
            for name, text in texts.items():
                (root / name).write_text(text, encoding="utf-8")
                os.chmod(root / name, 0o755)
            figures = {"gcc 12 x86_64": WRITTEN_DOWN} if figures is None else figures
            (root / "figures").write_text(json.dumps(figures), encoding="utf-8")
            command = [sys.executable, CHECK, "--program", root / "program"]
            command += ["--figures", root / "figures", "--valgrind", root / "valgrind", *options]
            result = subprocess.run(
                command,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            after = json.loads((root / "figures").read_text(encoding="utf-8"))
            return result.returncode, result.stdout, after

    def test_figures_within_a_tenth_are_green(self):
        for codec in (901, 1000, 1099):
            with self.subTest(codec=codec):
                status, output, _ = self.check(codec)
                self.assertEqual(status, 0, output)
                self.assertIn("instructions for a message", output)

    def test_a_figure_that_rose_by_more_is_red(self):
        status, output, _ = self.check(1110)
        self.assertEqual(status, 1, output)
        self.assertIn(
            "codec: a message costs 1,110.0 instructions, 11% more than the 1,000.0", output
        )
        self.assertIn("session: 500.0 instructions for a message, 500.0 expected", output)

    def test_a_figure_that_fell_by_more_is_red_and_to_be_written_down(self):
        status, output, _ = self.check(890)
        self.assertEqual(status, 1, output)
        self.assertIn("11% fewer than the 1,000.0", output)
        self.assertIn("write the new figure down", output)

    def test_a_work_without_a_figure_is_red(self):
        status, output, _ = self.check(figures={"gcc 12 x86_64": {"session": 500, "host": 500}})
        self.assertEqual(status, 1, output)
        self.assertIn("codec: no figure is written down", output)

    def test_another_compiler_is_not_checked(self):
        status, output, _ = self.check(9999, {"gcc 11 x86_64": WRITTEN_DOWN})
        self.assertEqual(status, 0, output)
        self.assertIn("no figures are written down for gcc 12 x86_64", output)

    def test_figures_can_be_written_down(self):
        status, output, after = self.check(700, options=["--write"])
        self.assertEqual(status, 0, output)
        self.assertEqual(after, {"gcc 12 x86_64": {**WRITTEN_DOWN, "codec": 700.0}})

    def test_a_valgrind_that_fails_is_red(self):
        status, output, _ = self.check(valgrind="#!/bin/sh\necho out of order\nexit 3\n")
        self.assertEqual(status, 1, output)
        self.assertIn("out of order", output)


if __name__ == "__main__":
    unittest.main()
