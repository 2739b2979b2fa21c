#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the parts of subproject.py that need no Meson."""

import unittest

import subproject


def target(name, kind, owner="tickwire"):
    return {"name": name, "type": kind, "subproject": owner}


LIBRARY = target("tickwire", "shared library")


class SubprojectTest(unittest.TestCase):
    def test_the_library_and_programs_of_others_are_well(self):
        targets = [LIBRARY, target("game", "executable", None), target("x", "executable", "enet")]
        self.assertEqual(subproject.target_problems(targets), [])

    def test_a_program_is_named(self):
        targets = [LIBRARY, target("tickwire-chat", "executable")]
        self.assertEqual(subproject.target_problems(targets), ["tickwire-chat: a program"])

    def test_a_library_that_is_not_there_is_noticed(self):
        targets = [target("tickwire_objects", "static library")]
        self.assertEqual(subproject.target_problems(targets), ["tickwire: no such library"])

    def test_a_test_is_named(self):
        self.assertEqual(subproject.test_problems([{"name": "unit"}]), ["unit: a test"])

    def test_warnings_that_are_errors_are_noticed(self):
        entries = [{"file": "a.cpp", "command": "c++ -Wall -c a.cpp"},
                   {"file": "b.cpp", "command": "c++ -Werror -c b.cpp"}]
        self.assertEqual(subproject.command_problems(entries), ["b.cpp: -Werror"])


if __name__ == "__main__":
    unittest.main()
