#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks what another Meson project gets that has Tickwire among its subprojects: the library.

    subproject.py [--root DIR]

Sets up a small project around the checkout DIR, and builds nothing of it. Exit status 1 when a
program or a test of Tickwire is in it, or when warnings there are errors: they are not its user's.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

PROJECT = """project('game', 'cpp', default_options: 'cpp_std=c++20')
executable('game', 'game.cpp', dependencies: dependency('tickwire'))
"""


def run(*command: str) -> str:
    result = subprocess.run(command, text=True, check=False, capture_output=True)
    if result.returncode != 0:
        output = result.stdout + result.stderr
        sys.exit(f"{' '.join(command)}\nended with status {result.returncode}:\n{output}")
    return result.stdout


def set_up(root: pathlib.Path, folder: pathlib.Path) -> pathlib.Path:
    """A project with the checkout in its subprojects/, configured; returns its build folder."""
    (folder / "subprojects").mkdir()
    (folder / "subprojects" / "tickwire").symlink_to(root, target_is_directory=True)
    (folder / "meson.build").write_text(PROJECT, encoding="utf-8")
    (folder / "game.cpp").write_text("int main() {}\n", encoding="utf-8")
    build = folder / "build"
    # The checkout, though one may be installed.
    run("meson", "setup", "--force-fallback-for=tickwire", str(build), str(folder))
    return build


def introspect(build: pathlib.Path, what: str) -> list[dict]:
    return json.loads(run("meson", "introspect", f"--{what}", str(build)))


def target_problems(targets: list[dict]) -> list[str]:
    own = [target for target in targets if target.get("subproject") == "tickwire"]
    problems = [f"{each['name']}: a program" for each in own if each["type"] == "executable"]
    if not any(each["name"] == "tickwire" for each in own):
        problems.append("tickwire: no such library")
    return problems


def test_problems(tests: list[dict]) -> list[str]:
    return [f"{test['name']}: a test" for test in tests]


def command_problems(entries: list[dict]) -> list[str]:
    return [f"{entry['file']}: -Werror" for entry in entries if "-Werror" in entry["command"]]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    root = parser.parse_args().root.resolve()
    with tempfile.TemporaryDirectory() as folder:
        build = set_up(root, pathlib.Path(folder).resolve())
        entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
        problems = target_problems(introspect(build, "targets"))
        problems += test_problems(introspect(build, "tests"))
        problems += command_problems(entries)
    print("\n".join(problems) if problems else "as a subproject: the library alone")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
