#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows every rule of headers.py red on a small bad tree, and green on a good one."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).with_name("headers.py")
LICENCE = "// SPDX-License-Identifier: MIT\n"
GOOD_TREE = {
    "meson.build": "# SPDX-License-Identifier: MIT\n",
    "scripts/test": "#!/bin/bash\n# SPDX-License-Identifier: MIT\n",
    "include/tickwire/clock.hpp": LICENCE
    + "#pragma once\n#include <vector>\nstd::vector<int> times();\n",
    "lib/host/host.cpp": LICENCE + "#include <tickwire/clock.hpp>\n",
    "lib/host/host.hpp": LICENCE + "#pragma once\n#include <tickwire/clock.hpp>\n",
}


class HeadersTest(unittest.TestCase):
    def check(self, extra=None):
        """Exit status and output of the check on the good tree with `extra` files on top."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD_TREE, **(extra or {})}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text or "", encoding="utf-8")
                if text is None:  # as old as can be
                    os.utime(root / name, (0, 0))
            compiler = shutil.which("c++") or shutil.which("g++") or shutil.which("clang++")
            command = (
                f"{compiler} -I{root}/include -std=c++20 -Wall -o x.o -c {root}/lib/host/host.cpp"
            )
            entry = {"directory": folder, "file": "lib/host/host.cpp", "command": command}
            (root / "compile_commands.json").write_text(json.dumps([entry]), encoding="utf-8")
            result = subprocess.run(
                [sys.executable, CHECK, "--root", root, "--build", root],
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                check=False,
            )
            return result.returncode, result.stdout

    def assert_red(self, extra, sentence):
        status, output = self.check(extra)
        self.assertEqual(status, 1, output)
        self.assertIn(sentence, output)

    def test_a_good_tree_is_green(self):
        status, output = self.check()
        self.assertEqual(status, 0, output)

    def test_a_precompiled_header_needs_no_guard(self):
        status, output = self.check({"lib/pch/library.hpp": LICENCE + "#include <vector>\n"})
        self.assertEqual(status, 0, output)

    def test_a_source_without_a_licence_is_found(self):
        for name in ["lib/host/bad.cpp", "test/bad.py", "lib/meson.build", "subprojects/bad.wrap"]:
            with self.subTest(name=name):
                self.assert_red({name: "\n"}, f"{name}:1: the line")

    def test_a_script_has_its_licence_below_its_interpreter(self):
        self.assert_red({"scripts/bad": "#!/bin/bash\necho\n"}, "scripts/bad:2: the line")

    def test_a_header_without_pragma_once_is_found(self):
        self.assert_red(
            {"lib/host/bad.hpp": LICENCE}, "lib/host/bad.hpp: '#pragma once' is missing"
        )

    def test_a_header_that_needs_another_one_first_is_found(self):
        for name in ["include/tickwire/bad.hpp", "lib/host/bad.hpp", "test/support/bad.hpp"]:
            with self.subTest(name=name):
                text = LICENCE + "#pragma once\nstd::string text();\n"
                self.assert_red({name: text}, f"{name} does not compile alone")

    def test_a_header_that_the_build_compiled_first_is_not_compiled_again(self):
        bad = LICENCE + "#pragma once\nstd::string text();\n"
        source = LICENCE + '#include "lib/host/host.hpp"\n'
        tree = {"lib/host/host.hpp": bad, "lib/host/host.cpp": source}
        status, output = self.check({**tree, "x.o": "built"})
        self.assertEqual(status, 0, output)
        # Not built yet, built with something before it, or before it was changed.
        self.assert_red(tree, "lib/host/host.hpp does not compile alone")
        second = {**tree, "lib/host/host.cpp": source.replace("#", "#include <string>\n#"), "x.o": "built"}
        self.assert_red(second, "lib/host/host.hpp does not compile alone")
        self.assert_red({**tree, "x.o": None}, "lib/host/host.hpp does not compile alone")

    def test_what_a_build_leaves_out_is_left_out(self):
        text = LICENCE + "#pragma once\n#include <a_library_that_is_not_there.h>\n"
        for name in ["demos/bad.hpp", "bench/support/bad.hpp"]:
            with self.subTest(name=name):
                status, output = self.check({name: text})
                self.assertEqual(status, 0, output)

    def test_a_warning_in_a_header_is_an_error(self):
        text = LICENCE + "#pragma once\ninline int f() { int unused; return 1; }\n"
        self.assert_red({"lib/host/bad.hpp": text}, "unused")


if __name__ == "__main__":
    unittest.main()
