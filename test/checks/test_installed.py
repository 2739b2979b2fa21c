#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests the parts of installed.py that need no installed library."""

import pathlib
import tempfile
import unittest

import installed

README = """# Title
```sh
scripts/test
```
```cpp
int helper();
```
```cpp
int main() {
  return 0;
}
```
"""


class InstalledTest(unittest.TestCase):
    def test_whole_programs_are_found_and_fragments_are_not(self):
        self.assertEqual(installed.whole_programs(README), ["int main() {\n  return 0;\n}\n"])

    def test_a_header_that_is_not_installed_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            root, prefix = pathlib.Path(folder, "root"), pathlib.Path(folder, "prefix")
            for top in (root, prefix):
                (top / "include" / "tickwire").mkdir(parents=True)
                (top / "include" / "tickwire" / "host.hpp").touch()
            self.assertEqual(installed.missing_headers(root, prefix), [])
            (root / "include" / "tickwire" / "event.hpp").touch()
            self.assertEqual(installed.missing_headers(root, prefix), ["event.hpp"])

    def test_packages_that_nobody_needs_who_links_are_noticed(self):
        for field in ("Requires", "Requires.private"):
            text = f"Name: tickwire\n{field}: libenet >= 1.3.17, nlohmann_json >= 3\n"
            self.assertEqual(installed.unwanted_packages(text), ["nlohmann_json"])
        self.assertEqual(installed.unwanted_packages("Description: no nlohmann_json\n"
                                                     "Requires.private: libenet, openssl\n"), [])

    def test_a_prefix_with_a_blank_in_its_path_stays_one_flag(self):
        with tempfile.TemporaryDirectory(prefix="with blank ") as folder:
            prefix = pathlib.Path(folder)
            description = prefix / "lib" / "pkgconfig" / "tickwire.pc"
            description.parent.mkdir(parents=True)
            escaped = folder.replace(" ", "\\ ")
            description.write_text("Name: tickwire\nDescription: a test\nVersion: 1\n"
                                   f"Cflags: -I{escaped}/include\n")
            flags = installed.Installed(prefix, "c++").pkg_config("--cflags")
            self.assertEqual(flags, [f"-I{folder}/include"])

    def test_a_prefix_without_a_pkg_config_file_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            with self.assertRaisesRegex(SystemExit, "holds no tickwire.pc"):
                installed.Installed(pathlib.Path(folder), "c++")


if __name__ == "__main__":
    unittest.main()
