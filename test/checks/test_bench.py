#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of scripts/bench, with what it runs played by functions and small programs."""

import contextlib
import importlib.machinery
import importlib.util
import io
import pathlib
import sys
import unittest
import unittest.mock

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "bench"
sys.path.insert(0, str(SCRIPT.parent))
sys.dont_write_bytecode = True


def load():
    loader = importlib.machinery.SourceFileLoader("bench", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    return module


bench = load()


class Network(unittest.TestCase):
    def set_up(self, **replaced):
        """What set_up_network says, and who entered a network in this process."""
        entered = []
        steps = {"congestion_control": lambda: "bbr", "unshare_network": lambda: entered.append(1),
                 "run_quietly": lambda *_: None, **replaced}
        with unittest.mock.patch.multiple(bench, **steps):
            with contextlib.redirect_stderr(io.StringIO()) as said:
                used = bench.set_up_network("cubic")
        return used, entered, said.getvalue()

    def test_a_network_that_cannot_be_set_up_is_not_entered(self):
        def no_ip(*_):
            raise FileNotFoundError("no ip here")

        used, entered, said = self.set_up(run_quietly=no_ip)
        self.assertEqual(used, "bbr (cubic could not be chosen here)")
        self.assertEqual(entered, [])
        self.assertIn("no ip here", said)

    def test_maps_that_may_not_be_written_leave_this_process_where_it_is(self):
        def refused():
            raise PermissionError("no maps here")

        used, _, said = self.set_up(unshare_network=refused)
        self.assertEqual(used, "bbr (cubic could not be chosen here)")
        self.assertIn("no maps here", said)

    def test_a_network_that_works_is_entered(self):
        _, entered, said = self.set_up()
        self.assertEqual((entered, said), ([1], ""))

    def test_nothing_is_entered_where_the_choice_is_made(self):
        used, entered, _ = self.set_up(congestion_control=lambda: "cubic")
        self.assertEqual((used, entered), ("cubic", []))

    def test_an_attempt_that_dies_is_a_failure(self):
        def die():
            raise ValueError("nobody expects this")

        with self.assertRaises(bench.Failure), contextlib.redirect_stderr(io.StringIO()):
            bench.try_in_child(die)


if __name__ == "__main__":
    unittest.main()
