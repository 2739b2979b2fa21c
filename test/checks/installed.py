#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks an installed Tickwire as its users meet it: headers, pkg-config file, both libraries.

    installed.py --prefix DIR [--root DIR] [--compiler CXX]

DIR is where `meson install` put everything. A small program is compiled and run against the shared
and the static library, and every whole program in README.md and the guide is compiled and run; one
with a mistake is not compiled, and told why. Exit status 1 on a failure.
"""

import argparse
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

PAGES = ["README.md", "docs/guide.md"]
# Headers alone, inside the library: who links it would be asked for them all the same.
UNWANTED = ["nlohmann_json"]
STRICT = ["-std=c++20", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


class Installed:
    """One installed Tickwire and the compiler that uses it."""

    def __init__(self, prefix: pathlib.Path, compiler: str):
        self.prefix = prefix
        self.compiler = compiler
        description = next(iter(sorted(prefix.rglob("tickwire.pc"))), None)
        if description is None:
            sys.exit(f"{prefix} holds no tickwire.pc")
        unwanted = unwanted_packages(description.read_text(encoding="utf-8"))
        if unwanted:
            sys.exit(f"{description} asks for {', '.join(unwanted)}, which nobody needs who links")
        self.library_folder = description.parent.parent
        self.environment = {**os.environ, "PKG_CONFIG_PATH": str(description.parent)}
        for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
            self.environment[name] = str(self.library_folder)

    def pkg_config(self, *options: str) -> list[str]:
        return shlex.split(self.run("pkg-config", *options, "tickwire"))

    def shared_flags(self) -> list[str]:
        return self.pkg_config("--cflags", "--libs")

    def static_flags(self) -> list[str]:
        """As `--static` says, with the library named by its file: else the shared one is taken."""
        archive = str(self.library_folder / "libtickwire.a")
        flags = self.pkg_config("--static", "--cflags", "--libs")
        return [archive if flag == "-ltickwire" else flag for flag in flags]

    def compile(self, source: pathlib.Path, program: pathlib.Path, flags: list[str]) -> None:
        self.run(self.compiler, *STRICT, str(source), "-o", str(program), *flags)

    def refuse(self, source: pathlib.Path, sentence: str) -> None:
        """Compiles a program that must not compile, and whose compiler must say that."""
        flags = [*STRICT, "-fsyntax-only", *self.pkg_config("--cflags")]
        result = self.outcome(self.compiler, *flags, str(source))
        if result.returncode == 0:
            sys.exit(f"{source.name} compiles, but should not")
        if sentence not in result.stdout:
            sys.exit(f"{source.name}: the compiler does not say '{sentence}':\n{result.stdout}")

    def outcome(self, *command: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            command,
            env=self.environment,
            text=True,
            check=False,
            timeout=300,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *command: str) -> str:
        result = self.outcome(*command)
        if result.returncode != 0:
            sys.exit(
                f"{' '.join(command)}\nended with status {result.returncode}:\n{result.stdout}"
            )
        return result.stdout.strip()


def unwanted_packages(description: str) -> list[str]:
    """The packages that the text of a pkg-config file requires, and should not."""
    required = re.findall(r"^Requires(?:\.private)?:(.*)", description, re.MULTILINE)
    return [name for name in UNWANTED if name in re.split(r"[\s,]+", " ".join(required))]


def missing_headers(root: pathlib.Path, prefix: pathlib.Path) -> list[str]:
    headers = (path.name for path in (root / "include" / "tickwire").glob("*.hpp"))
    return sorted(
        name for name in headers if not (prefix / "include" / "tickwire" / name).is_file()
    )


def whole_programs(text: str) -> list[str]:
    """The C++ blocks of a Markdown text that are whole programs."""
    blocks = re.findall(r"^```cpp\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [block for block in blocks if re.search(r"^int main\(", block, re.MULTILINE)]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--prefix", type=pathlib.Path, required=True)
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path(__file__).parents[2])
    parser.add_argument("--compiler", default=os.environ.get("CXX", "c++"))
    arguments = parser.parse_args()
    root, prefix = arguments.root.resolve(), arguments.prefix.resolve()
    installed = Installed(prefix, arguments.compiler)

    missing = missing_headers(root, prefix)
    if missing:
        sys.exit(f"not installed: {', '.join(missing)}")
    programs = []
    for page in PAGES:
        found = whole_programs((root / page).read_text(encoding="utf-8"))
        if not found:
            sys.exit(f"{page} shows no whole program: no ```cpp block with an `int main(`")
        programs += [(page, number, text) for number, text in enumerate(found, start=1)]

    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        greeting = root / "test" / "checks" / "installed" / "greeting.cpp"
        for kind, flags in ("shared", installed.shared_flags()), (
            "static",
            installed.static_flags(),
        ):
            program = work / kind
            installed.compile(greeting, program, flags)
            print(f"{kind} library: {installed.run(str(program))}")
        nameless = root / "test" / "checks" / "installed" / "nameless.cpp"
        installed.refuse(nameless, "This type has no name on the wire.")
        print("a type without a name on the wire is refused by the compiler")
        for page, number, text in programs:
            source = work / "program.cpp"
            source.write_text(text, encoding="utf-8")
            installed.compile(source, work / "program", installed.shared_flags())
            installed.run(str(work / "program"))
            print(f"{page}: program {number} compiles and runs")
    return 0


if __name__ == "__main__":
    sys.exit(main())
