#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that a message costs as many instructions as it did when the figures were written down.

    instructions.py --program FILE [--figures FILE] [--valgrind COMMAND] [--write]

Seconds depend on what else the machine does; instructions, counted by valgrind's callgrind, do
not. Each work runs with n messages and with 2n, and the difference is what n of them cost, without
the start and the warm-up. Figures hold for one compiler; for another one nothing is checked.
Exit status 1 when a figure is more than 10 % off, either way. --write writes today's figures down.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
FIGURES = HERE.parent / "instructions" / "figures.json"
WORKS = {"codec": 10_000, "session": 10_000, "host": 5_000}  # and n of each
SLACK = 0.10
# The C library picks its memcpy by the processor: these are what all of them have. Another C
# library does not know the words, and goes its own way.
PLAIN_PROCESSOR = "glibc.cpu.hwcaps=-AVX2,-AVX512F,-AVX512VL,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM"


class Failure(Exception):
    """Ends the script; the text is for the user."""


def run(command, **options):
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, **options
        )
    except OSError as problem:
        raise Failure(f"{command[0]} cannot be run: {problem.strerror}.") from problem
    except subprocess.TimeoutExpired as problem:
        raise Failure(f"{' '.join(command)} did not end.") from problem
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise Failure(f"{' '.join(command)} failed:\n{said}")
    return done.stdout


def total_of(text):
    """The sum of all events, as callgrind's file says it."""
    found = re.search(r"^(?:summary|totals): (\d+)", text, re.MULTILINE)
    if found is None:
        raise Failure("callgrind's file has no total.")
    return int(found.group(1))


def count(valgrind, program, work, messages, scratch):
    """The instructions of one whole run."""
    file = pathlib.Path(scratch) / f"{work}-{messages}"
    command = [valgrind, "--tool=callgrind", f"--callgrind-out-file={file}"]
    run([*command, program, work, str(messages)],
        env=dict(os.environ, GLIBC_TUNABLES=PLAIN_PROCESSOR))
    return total_of(file.read_text(encoding="utf-8"))


def measure(valgrind, program):
    """Instructions for one message, of each work."""
    measured = {}
    with tempfile.TemporaryDirectory(prefix="tickwire-instructions-") as scratch:
        for work, messages in WORKS.items():
            once = count(valgrind, program, work, messages, scratch)
            twice = count(valgrind, program, work, 2 * messages, scratch)
            measured[work] = round((twice - once) / messages, 1)
    return measured


def problem_of(work, measured, expected):
    """What is wrong with one figure, as a sentence; nothing when it is near enough."""
    if expected is None:
        return f"{work}: no figure is written down; {measured:,.1f} instructions were counted."
    change = measured / expected - 1
    if abs(change) <= SLACK:
        return None
    sentence = (f"{work}: a message costs {measured:,.1f} instructions, "
                f"{abs(change):.0%} {'more' if change > 0 else 'fewer'} than the "
                f"{expected:,.1f} that are written down.")
    if change > 0:
        return f"{sentence} Find out why; if it has to be, write the new figure down."
    return f"{sentence} Well done: write the new figure down."


def check(measured, expected):
    """Prints every figure; whether all are near enough."""
    problems = []
    for work, figure in measured.items():
        problem = problem_of(work, figure, expected.get(work))
        print(problem or f"{work}: {figure:,.1f} instructions for a message, "
                         f"{expected[work]:,.1f} expected")
        if problem:
            problems.append(problem)
    return not problems


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", required=True, help="test/instructions/instructions, built")
    parser.add_argument("--figures", type=pathlib.Path, default=FIGURES, help="what is expected")
    parser.add_argument("--valgrind", default="valgrind", help="the command")
    parser.add_argument("--write", action="store_true", help="write down what is counted")
    return parser.parse_args()


def check_program(options):
    compiler = run([options.program, "--compiler"]).strip()
    figures = json.loads(options.figures.read_text(encoding="utf-8"))
    if compiler not in figures and not options.write:
        print(f"not checked: no figures are written down for {compiler}, "
              f"only for {', '.join(figures)}")
        return True
    measured = measure(options.valgrind, options.program)
    if not options.write:
        worked = check(measured, figures[compiler])
        if not worked:
            print(f"The figures stand in {options.figures}; --write writes these down.")
        return worked
    figures[compiler] = measured
    options.figures.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"{compiler}: {measured}")
    return True


def main():
    try:
        return 0 if check_program(read_options()) else 1
    except Failure as problem:
        print(problem, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
