#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests of scripts/bench, with what it runs played by functions and small programs."""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import math
import os
import pathlib
import signal
import stat
import subprocess
import sys
import tempfile
import time
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


def figure(peer, **more):
    return {"workload": "w", "peer": peer, "metric": "rate", "value": 1.5, "unit": "1/s",
            "better": "higher", **more}


class Figures(unittest.TestCase):
    WORKLOAD = bench.WORKLOADS[0]
    PEER = WORKLOAD.peers[0].name

    def test_a_line_for_each_figure_is_read(self):
        line = json.dumps(figure(self.PEER))
        found, problem = bench.figures_of(f"{line}\n{line}\n", self.WORKLOAD)
        self.assertEqual((found, problem), ([figure(self.PEER)] * 2, None))

    def test_what_is_no_figure_is_a_problem_of_who_printed_it(self):
        for line in ("a warning", "7", "[]", "{}", json.dumps(figure("nobody")),
                     json.dumps(figure(self.PEER, value="fast")),
                     json.dumps(figure(self.PEER, value=math.nan))):
            found, problem = bench.figures_of(line, self.WORKLOAD)
            self.assertEqual(found, [])
            self.assertIn(line[:80], problem)

    def test_no_line_at_all_is_a_problem(self):
        self.assertEqual(bench.figures_of("", self.WORKLOAD), ([], "printed no figure"))


class Bounds(unittest.TestCase):
    BULK = next(each for each in bench.WORKLOADS if each.name == "voice_beside_bulk")

    def options(self, rounds=None, seconds=None, quick=False):
        return argparse.Namespace(rounds=rounds, seconds=seconds, quick=quick)

    def test_what_a_workload_does_by_itself_is_within_its_bounds(self):
        for workload in bench.WORKLOADS:
            for quick in (False, True):
                options = self.options(quick=quick)
                rounds, seconds = workload.runs(options)
                self.assertEqual(rounds, workload.rounds[quick])
                self.assertEqual(seconds, workload.seconds[quick] if workload.seconds else None)
                self.assertIsNone(workload.limit(options))

    def test_what_is_out_of_bounds_is_measured_as_near_as_may_be_and_said(self):
        self.assertEqual(self.BULK.runs(self.options(2, 0.3)), (2, 1))
        self.assertEqual(self.BULK.limit(self.options(2, 0.3)),
                         "voice_beside_bulk takes --seconds 1 to 600")
        self.assertEqual(self.BULK.runs(self.options(2, 7)), (2, 7))
        self.assertIsNone(self.BULK.limit(self.options(2, 7)))
        with contextlib.redirect_stdout(io.StringIO()) as said:
            bench.print_workload(self.BULK, self.options(2, 0.3), [], {})
        self.assertIn("measured for 1 s: voice_beside_bulk takes --seconds 1 to 600",
                      said.getvalue())


class Script(unittest.TestCase):
    """The script itself, with a small program in the place of what it would build."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "bench").mkdir()

    def program(self, name, text):
        file = self.folder / "bench" / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(file.stat().st_mode | stat.S_IXUSR)

    def start(self, *options):
        # The congestion control that there is, so that no network is made for it.
        command = [sys.executable, str(SCRIPT), "--no-install", "--no-build",
                   "--build", str(self.folder), "--rounds", "1",
                   "--congestion", bench.congestion_control() or "none", *options]
        # Who runs in the background is born deaf to Ctrl-C.
        hear = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731
        return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, preexec_fn=hear,
                                stderr=subprocess.PIPE)

    def test_what_is_complete_outlives_an_interruption(self):
        line = json.dumps(figure("by hand"))
        self.program("bench-codec", f"""
            if [ "$2" = codec_flat ]; then echo '{line}'; exit; fi
            touch "{self.folder}/runs"; exec sleep 60""")
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            report = self.folder / f"report-{status}.json"
            runs = self.folder / "runs"
            runs.unlink(missing_ok=True)
            script = self.start("codec_flat", "codec_floats", "--json", str(report),
                                "--html", str(self.folder / "report.html"))
            end = time.monotonic() + 60
            while not runs.exists() and script.poll() is None and time.monotonic() < end:
                time.sleep(0.01)
            script.send_signal(number)
            _, said = script.communicate(timeout=60)
            self.assertEqual(script.returncode, status)
            self.assertEqual(said.splitlines()[-1:], ["scripts/bench: interrupted"])
            self.assertNotIn("Traceback", said)
            kept = json.loads(report.read_text())["workloads"]
            self.assertEqual([workload["name"] for workload in kept], ["codec_flat"])
            self.assertIn("codec_flat", (self.folder / "report.html").read_text())
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith(".")], [])

    def test_a_peer_that_prints_nonsense_has_a_row_and_the_others_have_theirs(self):
        line = json.dumps(figure("by hand, with checksums"))
        self.program("bench-transfer", "printf 'no \\377 figure\\n'")
        self.program("bench-transfer-by-hand", f"""
            [ "$4" != sendfile ] || exit 7
            echo '{line}'""")
        script = self.start("transfer")
        said, _ = script.communicate(timeout=60)
        self.assertEqual(script.returncode, 1)
        self.assertIn("tickwire tcp: FAILED: printed what is no figure: no", said)
        self.assertIn("sendfile: FAILED: ended with status 7", said)
        self.assertIn("by hand, with checksums ", said)

    def refused(self, *options):
        script = self.start(*options)
        _, said = script.communicate(timeout=60)
        self.assertEqual(script.returncode, 2)
        return said.splitlines()[-1]

    def test_numbers_that_no_program_takes_are_refused(self):
        self.assertIn("--rounds wants", self.refused("--rounds", "0"))
        for seconds in ("0", "-1", "nan", "601"):
            self.assertIn("--seconds wants", self.refused(f"--seconds={seconds}"))
        self.assertIn("growth takes --seconds 0.01 to 60",
                      self.refused("ticks", "growth", "--seconds", "61"))

    def test_a_report_that_cannot_be_written_is_refused_at_once(self):
        for option in ("--json", "--html"):
            self.assertIn("no file", self.refused(option, str(self.folder)))
            self.assertIn("no such folder", self.refused(option, str(self.folder / "a" / "b")))
            self.assertIn("no file", self.refused(option, "/dev/null"))


if __name__ == "__main__":
    unittest.main()
