#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the arena's server and players as users would, with good input and bad."""

import contextlib
import json
import signal
import socket

from programs import ProgramTest, main, silent_port, take_paths

SERVER, PLAYER = take_paths(2)


class ArenaPrograms(ProgramTest):
    def start_server(self, listen="enet://127.0.0.1:0", *more):
        server, (url,) = self.start_listening(SERVER, "--listen", listen, *more)
        return url, server

    def start_bot(self, url, name, *more):
        bot = self.start(PLAYER, "--connect", url, "--name", name, "--bot", *more)
        self.assertEqual(bot.next_line(), "in the game")
        return bot

    def play(self, url, name, *more):
        return self.outcome(PLAYER, "--connect", url, "--name", name, "--bot", *more)

    def test_two_bots_play_and_leave_their_figures(self):
        url, server = self.start_server()
        bob = self.start_bot(url, "bob", "--report", self.folder / "bob.json")
        ann = self.play(url, "ann", "--seconds", 3, "--report", self.folder / "ann.json",
                        "--screenshot", self.folder / "ann.bmp")
        self.assertEqual(ann.returncode, 0, ann.stderr)
        bob.terminate()
        self.assertEqual(bob.wait(), 0)
        for name in ("ann", "bob"):
            report = json.loads((self.folder / f"{name}.json").read_text())
            self.assertEqual(report["name"], name)
            self.assertGreater(report["seconds"], 0.5)
            # Of the ticks of a machine that has much else to do, some are skipped.
            self.assertGreater(report["snapshots"]["received"], 10)
            self.assertGreater(report["rtt_ms"], 0)
            self.assertGreater(report["bytes_per_second"]["sent"], 0)
            self.assertGreater(report["bytes_per_second"]["received"], 0)
            self.assertLess(report["bytes_per_second"]["received"], 20_000)
            self.assertGreaterEqual(report["corrections"]["count"], 0)
            self.assertGreaterEqual(report["interpolation_starved"], 0)
            self.assertEqual(report["returns"], 0)
        self.assertEqual(json.loads((self.folder / "ann.json").read_text())["players"], 2)
        self.assertEqual((self.folder / "ann.bmp").read_bytes()[:2], b"BM")
        server.send_signal(signal.SIGINT)
        self.assertEqual(server.wait(), 0)
        for line in ("ann plays\n", "bob plays\n", "ann is gone\n", " 0 malformed,"):
            self.assertIn(line, server.said)

    def test_a_port_in_use_and_an_unknown_scheme_are_named(self):
        url, _ = self.start_server("tcp://127.0.0.1:0")
        result = self.outcome(SERVER, "--listen", url)
        self.assertEqual(result.returncode, 1)
        self.assertIn(url.rsplit(":", 1)[1], result.stderr)
        self.assertIn("is taken", result.stderr)
        for result in (self.outcome(SERVER, "--listen", "carrier://127.0.0.1:1"),
                       self.play("carrier://127.0.0.1:1", "ann")):
            self.assertEqual(result.returncode, 1)
            self.assertIn("'carrier'", result.stderr)

    def test_a_scheme_that_the_arena_does_not_speak_is_refused(self):
        for url in ("tls://127.0.0.1:1", "raw+tcp://127.0.0.1:1", "memory://arena"):
            for result in (self.outcome(SERVER, "--listen", url), self.play(url, "ann")):
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stderr, "The arena speaks enet:// and tcp://.\n")

    def test_wrong_options_are_explained(self):
        for arguments, named in (((SERVER, "--max-players", 17), "--max-players"),
                                 ((SERVER, "--seconds", "soon"), "--seconds"),
                                 ((PLAYER, "--name", "ann"), "--connect"),
                                 ((PLAYER, "--connect", "enet://127.0.0.1:1"), "--name")):
            result = self.outcome(*arguments)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn(named, result.stderr)

    def test_a_server_that_is_not_there_ends_a_player(self):
        with silent_port() as port:
            result = self.play(f"tcp://127.0.0.1:{port}", "ann")
        self.assertEqual(result.returncode, 1)
        self.assertIn(str(port), result.stderr)

    def test_names_and_players_that_are_refused_are_told_why(self):
        url, server = self.start_server("enet://127.0.0.1:0", "--max-players", 2)
        self.start_bot(url, "ann")
        for name, reason in (("", "need a name"), ("ann", "somebody called ann plays"),
                             ("x" * 25, "24 bytes at most"), (" ann", "with a blank"),
                             ("a\nb", "control or invisible characters")):
            result = self.play(url, name, "--seconds", 5)
            self.assertEqual(result.returncode, 1, name)
            self.assertIn(reason, result.stderr)
        self.start_bot(url, "bob")
        result = self.play(url, "cleo", "--seconds", 5)
        self.assertEqual(result.returncode, 1)
        self.assertIn("the game is full", result.stderr)
        self.assertTrue(server.is_running())

    def test_who_cannot_write_its_files_says_goodbye_and_first_why_it_ended(self):
        files = ("--report", self.folder / "missing" / "ann.json", "--screenshot",
                 self.folder / "missing" / "ann.bmp")
        url, server = self.start_server()
        ann = self.play(url, "ann", "--seconds", 1, *files)
        self.assertEqual(ann.returncode, 1)
        self.assertEqual(ann.stderr.count("cannot be written"), 2)
        server.shows("ann is gone")
        self.assertNotIn("is lost", server.said)
        with silent_port() as port:
            ann = self.play(f"tcp://127.0.0.1:{port}", "ann", *files)
        self.assertEqual(ann.returncode, 1)
        self.assertIn(str(port), ann.stderr.splitlines()[0])

    def test_callers_of_one_address_that_never_play_shut_nobody_out(self):
        url, _ = self.start_server("tcp://127.0.0.1:0", "--max-players", 2)
        with contextlib.ExitStack() as strangers:
            for _ in range(9):
                try:
                    strangers.enter_context(socket.create_connection(
                        ("127.0.0.1", int(url.rsplit(":", 1)[1])),
                        source_address=("127.0.0.2", 0)))
                except OSError:
                    self.skipTest("this machine has no second address")
            self.start_bot(url, "ann")

    def test_a_player_is_back_after_its_server_was_started_anew(self):
        url, server = self.start_server("tcp://127.0.0.1:0")
        ann = self.start_bot(url, "ann")
        server.end()
        ann.wait_for("away: ")
        self.start_server(url)
        self.assertEqual(ann.next_line(), "back")
        ann.terminate()
        self.assertEqual(ann.wait(), 0)

    def test_a_goodbye_of_the_server_ends_a_player(self):
        url, server = self.start_server()
        ann = self.start_bot(url, "ann")
        server.terminate()
        self.assertEqual(ann.wait(), 1)
        self.assertIn("the server is closing", ann.said)


if __name__ == "__main__":
    main()
