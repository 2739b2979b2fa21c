#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that every source says its licence, and that every header is guarded and compiles alone.

    headers.py [--root DIR] [--build DIR]...

Each --build is a configured build folder: its compile_commands.json says with which compiler and
which flags. Without one, nothing is compiled. A header that a source includes first compiles alone
when the source does, so that one that is built already needs no second look. Exit status 1 when
something is wrong.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from typing import NamedTuple, Optional

FOLDERS = (".ci", "bench", "demos", "include", "lib", "scripts", "subprojects/packagefiles", "test")
SOURCE_SUFFIXES = {".hpp", ".cpp", ".h", ".py", ".sh", ".wrap"}
LICENCE = "SPDX-License-Identifier: MIT"


class Command(NamedTuple):
    """How one build folder compiles one source."""

    source: str
    output: str
    folder: str
    compiler: list[str]
    flags: list[str]


def sources(root: pathlib.Path) -> list[pathlib.Path]:
    """Every source of the project: by its suffix, or because it is a build file or a script."""
    found = [*root.glob("subprojects/*.wrap"), root / "meson.build", root / "meson_options.txt"]
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            script = folder in (".ci", "scripts") and path.suffix == ""
            if path.suffix in SOURCE_SUFFIXES or path.name == "meson.build" or script:
                found.append(path)
    return sorted(path for path in found if path.is_file())


def form_problems(root: pathlib.Path, path: pathlib.Path) -> list[str]:
    name = path.relative_to(root).as_posix()
    lines = path.read_text(encoding="utf-8").splitlines()
    problems = []
    # A script's first line belongs to its interpreter.
    licence_line = 1 if lines and lines[0].startswith("#!") else 0
    if len(lines) <= licence_line or LICENCE not in lines[licence_line]:
        problems.append(f"{name}:{licence_line + 1}: the line '{LICENCE}' is missing")
    # A precompiled header is included once, by the build; guarded, gcc warns of it.
    guarded = path.suffix == ".hpp" and path.parent.name != "pch"
    if guarded and "#pragma once" not in lines:
        problems.append(f"{name}: '#pragma once' is missing")
    return problems


def split_command(entry: dict) -> Command:
    words = shlex.split(entry["command"])
    first_flag = next(i for i, word in enumerate(words) if word.startswith("-"))
    flags = []
    rest = iter(words[first_flag:])
    output = ""
    for word in rest:
        if word == "-o":
            output = os.path.join(entry["directory"], next(rest))
        elif word in ("-I", "-isystem", "-include", "-D"):
            flags += [word, next(rest)]
        elif word.startswith("-fdiagnostics-color"):
            continue
        elif word.startswith("-include"):
            flags.append(word)  # a precompiled header
        elif word.startswith(("-I", "-isystem", "-D", "-std=", "-W", "-f", "-pthread")):
            flags.append(word)
    compiler = [word for word in words[:first_flag] if not word.endswith("ccache")]
    source = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
    return Command(source, output, entry["directory"], compiler, flags)


def commands(build: pathlib.Path) -> list[Command]:
    entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    return [split_command(entry) for entry in entries if entry["file"].endswith(".cpp")]


def nearest(header: pathlib.Path, root: pathlib.Path, known: list[Command]) -> Optional[Command]:
    """The command of the source that stands nearest: public headers are compiled as lib/ is."""
    relative = header.relative_to(root)
    place = root / "lib" / "host" if relative.parts[0] == "include" else header.parent

    def closeness(command: Command) -> tuple[int, int]:
        # Of two that stand equally near, the one that sees more: it has more flags.
        return len(os.path.commonpath([command.source, place])), len(command.flags)

    own = [command for command in known if command.source.startswith(str(root / relative.parts[0]))]
    return max(own or known, key=closeness, default=None)


def first_included(source: pathlib.Path, root: pathlib.Path) -> Optional[pathlib.Path]:
    """The header of the project that a source names before any other, if it begins with one."""
    for line in source.read_text(encoding="utf-8").splitlines():
        found = re.match(r'#include [<"](.+)[>"]', line)
        if not found:
            continue
        for folder in (source.parent, root, root / "include"):
            if (folder / found[1]).is_file():
                return (folder / found[1]).resolve()
        return None
    return None


def built_alone(root: pathlib.Path, known: list[Command]) -> set[pathlib.Path]:
    """The headers that the build has compiled before anything else, as they are now."""
    found = set()
    for command in known:
        output = pathlib.Path(command.output)
        if any(flag.startswith("-include") for flag in command.flags) or not output.is_file():
            continue
        header = first_included(pathlib.Path(command.source), root)
        if header and header.stat().st_mtime < output.stat().st_mtime:
            found.add(header)
    return found


def compile_alone(header: pathlib.Path, command: Command) -> str:
    """What the compiler says of a file that includes this header and nothing else."""
    arguments = [*command.compiler, *command.flags, "-Werror", "-fsyntax-only", "-x", "c++", "-"]
    result = subprocess.run(
        arguments,
        cwd=command.folder,
        input=f'#include "{header}"\n',
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return result.stdout if result.returncode != 0 else ""


def of_demos(path: pathlib.Path, root: pathlib.Path) -> bool:
    """Whether a file belongs to the demos or their tests, which a build may leave out."""
    parts = path.relative_to(root).parts
    return parts[0] == "demos" or "voice" in parts


def is_built(folder: pathlib.Path, known: list[Command]) -> bool:
    return any(command.source.startswith(f"{folder}/") for command in known)


def compile_problems(
    root: pathlib.Path, headers: list[pathlib.Path], build: pathlib.Path
) -> list[str]:
    known = commands(build)
    if not is_built(root / "demos", known):
        headers = [header for header in headers if not of_demos(header, root)]
    if not is_built(root / "bench", known):
        headers = [header for header in headers if not header.is_relative_to(root / "bench")]
    built = built_alone(root, known)
    jobs = [(header, nearest(header, root, known)) for header in headers if header not in built]

    def job_output(job: tuple[pathlib.Path, Optional[Command]]) -> str:
        header, command = job
        return compile_alone(header, command) if command else "no source is compiled"

    problems = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (header, command), output in zip(jobs, pool.map(job_output, jobs)):
            if output:
                compiler = command.compiler[0] if command else build.name
                name = header.relative_to(root).as_posix()
                sentence = f"{name} does not compile alone with {compiler}"
                problems.append(f"{sentence}:\n{output.rstrip()}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--build", type=pathlib.Path, action="append", default=[])
    arguments = parser.parse_args()

    root = arguments.root.resolve()
    files = sources(root)
    headers = [path for path in files if path.suffix == ".hpp"]
    problems = [problem for path in files for problem in form_problems(root, path)]
    for build in arguments.build:
        problems += compile_problems(root, headers, build.resolve())
    print(
        "\n".join(problems)
        if problems
        else f"{len(files)} sources, {len(headers)} headers: all well"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
