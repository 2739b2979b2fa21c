#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the voice programs as a user would, with good input and bad."""

import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import time
import wave

from programs import PATIENCE, ProgramTest, main, silent_port, take_paths

RELAY, CLIENT, LOAD = take_paths(3)


def write_wav(path, rate, seconds):
    """Something that is not silence."""
    noise = random.Random(1)
    samples = b"".join(
        noise.randint(-4000, 4000).to_bytes(2, "little", signed=True)
        for _ in range(int(rate * seconds)))
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(samples)


class VoicePrograms(ProgramTest):
    def setUp(self):
        super().setUp()
        self.url, self.relay = self.start_relay()

    def start_relay(self, listen="enet://127.0.0.1:0", *more):
        relay, (url,) = self.start_listening(RELAY, "--listen", listen, "--seconds", PATIENCE,
                                             *more)
        return url, relay

    def talk(self, name, *more, seconds=1, room="den", source="none", sink="none"):
        report = self.folder / (name + ".json")
        result = self.outcome(CLIENT, "--connect", self.url, "--room", room, "--name", name,
                              "--input", source, "--output", sink, "--seconds", seconds, "--report",
                              report, *more)
        return result, report

    def check_relay_goes_on(self):
        self.assertTrue(self.relay.is_running(), "the relay is gone")
        result, _ = self.talk("last", seconds=0.2)
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_file_of_another_rate_is_resampled_and_heard(self):
        # Longer than the listener takes to come, however slow the machine is.
        write_wav(self.folder / "spoken.wav", 22050, 10)
        talker = self.start(CLIENT, "--connect", self.url, "--room", "den", "--name", "ann",
                            "--input", self.folder / "spoken.wav", "--output", "none",
                            "--seconds", 8)
        heard = self.folder / "heard.wav"
        result = self.outcome(CLIENT, "--connect", self.url, "--room", "den", "--name", "bob",
                              "--input", "none", "--output", heard, "--seconds", 3, "--report",
                              self.folder / "bob.json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(talker.wait(), 0)
        report = json.loads((self.folder / "bob.json").read_text())
        self.assertGreater(report["packets"]["received"], 50)
        with wave.open(str(heard)) as sound:
            self.assertEqual((sound.getframerate(), sound.getnchannels()), (48000, 1))
            self.assertGreater(max(sound.readframes(sound.getnframes())), 0)

    def test_a_port_in_use_is_named(self):
        result = self.outcome(RELAY, "--listen", self.url)
        self.assertEqual(result.returncode, 1)
        self.assertIn(self.url.rsplit(":", 1)[1], result.stderr)
        self.assertIn("is taken", result.stderr)

    def test_an_unknown_scheme_is_named(self):
        for program in ((RELAY, "--listen", "carrier://127.0.0.1:1"),
                        (CLIENT, "--connect", "carrier://127.0.0.1:1", "--room", "a", "--name",
                         "b", "--input", "none", "--output", "none")):
            result = self.outcome(*program)
            self.assertEqual(result.returncode, 1)
            self.assertIn("'carrier'", result.stderr)

    def test_a_scheme_that_the_relay_does_not_speak_is_refused(self):
        for url in ("raw+tcp://127.0.0.1:1", "raw+tls://127.0.0.1:1", "memory://relay"):
            for program in ((RELAY, "--listen", url), (LOAD, "--connect", url),
                            (CLIENT, "--connect", url, "--room", "a", "--name", "b", "--input",
                             "none", "--output", "none")):
                result = self.outcome(*program)
                self.assertEqual(result.returncode, 1)
                self.assertEqual(result.stderr, "The relay speaks enet://, tcp:// and tls://.\n")

    def test_a_host_name_that_does_not_resolve_is_named(self):
        result = self.outcome(CLIENT, "--connect", "enet://no-such-host.invalid:1", "--room", "a",
                              "--name", "b", "--input", "none", "--output", "none")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no-such-host.invalid", result.stderr)

    def test_a_file_that_is_no_sound_is_named(self):
        path = self.folder / "letter.wav"
        path.write_text("Dear sound system,")
        result, _ = self.talk("ann", source=path)
        self.assertEqual(result.returncode, 1)
        self.assertIn("letter.wav", result.stderr)

    def test_names_of_more_than_64_bytes_are_refused_and_the_relay_goes_on(self):
        result, _ = self.talk("ann", room="x" * 10_000)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stderr, "--room is longer than 64 bytes.\n")
        result, _ = self.talk("x" * 65)
        self.assertEqual(result.stderr, "--name is longer than 64 bytes.\n")
        self.check_relay_goes_on()

    def test_random_datagrams_at_the_port_disturb_nobody(self):
        listener = self.start(CLIENT, "--connect", self.url, "--room", "den", "--name", "ann",
                              "--input", "none", "--output", "none", "--seconds", 2)
        host, port = re.fullmatch(r"enet://(.*):(\d+)", self.url).groups()
        chance = random.Random(5)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for _ in range(5000):
                stranger.sendto(chance.randbytes(chance.randint(0, 1400)), (host, int(port)))
        self.assertEqual(listener.wait(), 0)
        self.check_relay_goes_on()

    def listen(self, name, *more, url=None, source="none", stdin=subprocess.DEVNULL):
        """A client that stays, and says nothing unless it has a source; it is in the room."""
        client = self.start(CLIENT, "--connect", url or self.url, "--room", "den", "--name", name,
                            "--input", source, "--output", "none", "--seconds", PATIENCE, *more,
                            stdin=stdin)
        self.assertIn("in room den", client.next_line())
        return client

    def test_a_client_killed_in_the_middle_of_a_word_is_missed_by_nobody(self):
        write_wav(self.folder / "spoken.wav", 48000, 30)
        tcp, _ = self.start_relay("tcp://127.0.0.1:0")
        for url in (tcp, self.url):  # over ENet nobody says that it is gone: silence has to
            with self.subTest(url=url):
                bob = self.listen("bob", url=url)
                victim = self.start(CLIENT, "--connect", url, "--room", "den", "--name", "ann",
                                    "--input", self.folder / "spoken.wav", "--output", "none")
                self.assertIn("in room den", victim.next_line())
                self.assertEqual(bob.next_line(), "ann comes")
                victim.send_signal(signal.SIGKILL)
                self.assertEqual(bob.next_line(), "ann is gone")
        self.check_relay_goes_on()

    def test_a_full_room_and_names_that_are_taken_or_steer_terminals_are_refused(self):
        self.url, self.relay = self.start_relay("enet://127.0.0.1:0", "--max-room", 2)
        ann = self.listen("ann")
        for name, reason in (("ann", "somebody called ann is in the room"),
                             ("bob\nin room den with nobody", "control or invisible characters"),
                             ("bob\x1b[2J", "control or invisible characters"),
                             ("bob\x9b2J", "control or invisible characters")):
            result = self.outcome(CLIENT, "--connect", self.url, "--room", "den", "--name", name,
                                  "--input", "none", "--output", "none", "--seconds", 1)
            self.assertEqual(result.returncode, 1, name)
            self.assertIn(reason, result.stderr)
        self.listen("bob")
        self.assertEqual(ann.next_line(), "bob comes")
        result, _ = self.talk("cleo")
        self.assertEqual(result.returncode, 1)
        self.assertIn("the room is full", result.stderr)

    def check_answers(self, client, *lines_and_answers):
        for line, *answers in lines_and_answers:
            client.say(line)
            for answer in answers:
                self.assertEqual(client.next_line(), answer, line)

    def test_a_client_does_what_is_typed_while_it_runs(self):
        report = self.folder / "ann.json"
        ann = self.listen("ann", "--report", report, stdin=subprocess.PIPE)
        self.listen("bob the builder")
        self.assertEqual(ann.next_line(), "bob the builder comes")
        self.check_answers(
            ann, ("who", "you: not muted", "bob the builder: 100 %"),
            ("volume bob the builder 50", "bob the builder: 50 %"),
            ("volume bob 50", "Nobody in the room is called bob."),
            ("volume bob the builder loud", "A volume is a whole number from 0 to 200, not 'loud'."),
            ("  mute ", "you are muted"), ("", ), ("deafen", "you are deafened"),
            ("sing\x1b[2J", "There is no command 'sing?[2J'; 'help' says which there are."),
            ("who", "you: deafened", "bob the builder: 50 %"), ("quit", ))
        self.assertEqual(ann.wait(), 0)
        figures = json.loads(report.read_text())
        self.assertEqual((figures["muted"], figures["deafened"]), (True, True))

    def test_with_push_to_talk_enter_begins_and_ends_talking(self):
        write_wav(self.folder / "spoken.wav", 48000, 30)
        report = self.folder / "ann.json"
        ann = self.listen("ann", "--push-to-talk", "--report", report, stdin=subprocess.PIPE,
                          source=self.folder / "spoken.wav")
        self.check_answers(ann, ("who", "you: not muted"), ("", "you talk"))
        limit = time.monotonic() + PATIENCE
        said = ""
        while "sending" not in said and time.monotonic() < limit:
            ann.say("who")
            said = ann.next_line()
        self.assertEqual(said, "you: not muted, sending")
        self.check_answers(ann, ("", "you no longer talk"), ("quit",))
        self.assertEqual(ann.wait(), 0)
        self.assertGreater(json.loads(report.read_text())["packets"]["sent"], 0)

    def test_what_a_microphone_hears_is_cleaned_and_a_file_is_not_unless_it_is_wanted(self):
        write_wav(self.folder / "spoken.wav", 48000, 5)
        steps = ("echo_cancellation", "noise_suppression", "automatic_gain")
        file = self.folder / "spoken.wav"
        for source, sink, options, expected in (
                ("device", "device", (), (True, True, True)),
                ("device", "none", ("--automatic-gain", "off"), (False, True, False)),
                ("device", "device", ("--echo-cancellation", "off", "--noise-suppression", "off"),
                 (False, False, True)),
                (file, "none", (), (False, False, False)),
                (file, "none", ("--noise-suppression", "on"), (False, True, False))):
            with self.subTest(source=source, sink=sink, options=options):
                result, report = self.talk("ann", *options, seconds=0.3, source=source, sink=sink)
                self.assertEqual(result.returncode, 0, result.stderr)
                figures = json.loads(report.read_text())
                self.assertEqual(tuple(figures["cleaning"][each] for each in steps), expected)
                self.assertGreater(figures["packets"]["sent"], 3)

    def test_a_closed_terminal_ends_a_client(self):
        ann = self.listen("ann")
        ann.send_signal(signal.SIGHUP)
        self.assertEqual(ann.wait(), 0)

    def test_a_client_is_back_after_its_relay_was_started_anew(self):
        url, relay = self.start_relay("tcp://127.0.0.1:0")
        ann = self.listen("ann", url=url)
        relay.end()
        self.assertIn("away: ", ann.next_line())
        self.start_relay(url)
        self.assertEqual(ann.next_line(), "back")
        self.assertEqual(ann.next_line(), "in room den with nobody yet")
        ann.terminate()
        self.assertEqual(ann.wait(), 0)

    def test_a_first_call_that_fails_ends_a_client(self):
        with silent_port() as port:
            self.url = f"tcp://127.0.0.1:{port}"
            result, _ = self.talk("ann")
        self.assertEqual(result.returncode, 1)
        self.assertIn(self.url.rsplit(":", 1)[1], result.stderr)

    def test_why_a_client_ended_is_told_before_what_became_of_its_files(self):
        report = self.folder / "missing" / "ann.json"
        with silent_port() as port:
            result = self.outcome(CLIENT, "--connect", f"tcp://127.0.0.1:{port}", "--room", "den",
                                  "--name", "ann", "--input", "none", "--output", "none",
                                  "--report", report)
        self.assertEqual(result.returncode, 1)
        first, second = result.stderr.splitlines()
        self.assertIn(str(port), first)
        self.assertEqual(second, f"The file {report} cannot be written.")

    def test_a_sound_file_is_not_recorded_over_by_mistake(self):
        spoken, link = self.folder / "spoken.wav", self.folder / "link.wav"
        write_wav(spoken, 48000, 1)
        link.symlink_to(spoken)
        before = spoken.read_bytes()
        for sink in (spoken, link):
            result, _ = self.talk("ann", source=spoken, sink=sink)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr, "--input and --output are the same file.\n")
        report = self.folder / "bob.json"
        result, _ = self.talk("bob", sink=report)
        self.assertEqual(result.stderr, "--output and --report are the same file.\n")
        self.assertFalse(report.exists())
        with silent_port() as port:
            self.url = f"tcp://127.0.0.1:{port}"
            result, _ = self.talk("ann", sink=spoken)
        self.assertEqual(result.returncode, 1)
        self.assertTrue(spoken.read_bytes() == before)

    def test_only_device_and_its_names_open_devices(self):
        for source, named in (("devices", "devices"), ("device1.wav", "device1.wav"),
                              ("device:no such one", "no such one")):
            result, _ = self.talk("ann", source=source)
            self.assertEqual(result.returncode, 1, source)
            self.assertIn(named, result.stderr)
        result = self.outcome(CLIENT, "--connect", self.url, "--room", "den", "--name", "ann",
                              "--input", "none", "--output", "device1.wav", "--seconds", 0.2,
                              cwd=self.folder)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.folder / "device1.wav").exists())

    def test_options_of_tls_are_refused_where_there_is_none(self):
        file = self.folder / "relay.pem"
        for option in ("--pin", "--ca", "--server-name"):
            for program in (CLIENT, "--room", "a", "--name", "b", "--input", "none", "--output",
                            "none", "--seconds", 0.1), (LOAD,):
                result = self.outcome(*program, "--connect", self.url, option, file)
                self.assertEqual(result.returncode, 1, option)
                self.assertIn(option + " is for tls:// addresses", result.stderr)
        for option in ("--certificate", "--key"):
            result = self.outcome(RELAY, "--listen", "enet://127.0.0.1:0", "--seconds", 0.1, option,
                                  file)
            self.assertEqual(result.returncode, 1, option)
            self.assertIn(option + " is for tls:// addresses", result.stderr)

    def test_addresses_on_the_access_list_and_too_many_of_one_address_stay_outside(self):
        access = self.folder / "access"
        access.write_text("nobody\n")
        result = self.outcome(RELAY, "--listen", "tcp://127.0.0.1:0", "--seconds", 0.1, "--access",
                              access)
        self.assertEqual(result.returncode, 1)
        self.assertIn("line 1", result.stderr)
        access.write_text("127.0.0.0/8\n")
        self.url, _ = self.start_relay("tcp://127.0.0.1:0", "--access", access)
        result, _ = self.talk("ann")
        self.assertEqual(result.returncode, 1)
        self.url, _ = self.start_relay("tcp://127.0.0.1:0", "--max-per-address", 1)
        self.listen("ann")
        result, _ = self.talk("bob")
        self.assertEqual(result.returncode, 1)
        self.assertIn("too many connections of this address", result.stderr)

    def test_on_a_hangup_the_access_list_is_read_anew(self):
        access = self.folder / "access"
        self.url, relay = self.start_relay("tcp://127.0.0.1:0", "--access", access)
        self.assertEqual(relay.next_line(),
                         f"The access list {access} does not exist yet; nobody is refused.")
        self.assertIn("listens on", relay.next_line())
        result, _ = self.talk("ann", seconds=0.1)
        self.assertEqual(result.returncode, 0, result.stderr)
        for text, said in (("127.0.0.0/8\n", "the access list was read anew"),
                           ("nobody\n", "the old access list stays: ")):
            access.write_text(text)
            relay.send_signal(signal.SIGHUP)
            self.assertEqual(relay.next_line(),
                             "there is no tls:// address, so no certificate to read")
            self.assertIn(said, relay.next_line())
            result, _ = self.talk("ann", seconds=0.1)
            self.assertEqual(result.returncode, 1)

    def test_a_relay_names_its_addresses_and_who_comes_and_goes(self):
        relay, addresses = self.start_listening(
            RELAY, "--listen", "tcp://127.0.0.1:0", "--listen", "enet://127.0.0.1:0", "--seconds",
            PATIENCE, "--verbose")
        self.assertEqual([each.split(":")[0] for each in addresses], ["tcp", "enet"])
        self.url = addresses[1]
        result, _ = self.talk("ann", seconds=0.1)
        self.assertEqual(result.returncode, 0, result.stderr)
        relay.terminate()
        self.assertEqual(relay.wait(), 0)
        for what in ("goes in", "is gone: goodbye"):
            self.assertRegex(relay.said,
                             rf"ann \(enet://127\.0\.0\.1:\d+, room den\) {what}\n")

    def test_a_load_takes_no_memory_beforehand_and_can_be_stopped_while_it_calls(self):
        with socket.create_server(("127.0.0.1", 0)) as mute:
            load = self.start(LOAD, "--connect", f"tcp://127.0.0.1:{mute.getsockname()[1]}",
                              "--clients", 4000, "--room", 64, "--seconds", 600, "--rate", 90)
            mute.settimeout(PATIENCE)
            with mute.accept()[0]:
                load.send_signal(signal.SIGINT)
                self.assertEqual(load.wait(), 1)
        self.assertIn("Stopped before all talkers were in", load.said)

    def test_many_talkers_are_all_heard(self):
        figures = self.folder / "load.json"
        ratios = []
        for _ in range(3):  # a machine that has much else to do loses some of a single second
            result = self.outcome(LOAD, "--connect", self.url, "--clients", 16, "--seconds", 1,
                                  "--json", figures)
            self.assertEqual(result.returncode, 0, result.stderr)
            ratios.append(json.loads(figures.read_text())["delivered_ratio"])
            if ratios[-1] > 0.9:
                return
        self.fail(f"delivered only {ratios}")

    def test_over_tls_strangers_are_told_so_and_a_renewed_certificate_is_read_on_a_hangup(self):
        certificate, key = self.make_certificate("relay")
        for some in ((), ("--certificate", certificate), ("--key", key)):
            result = self.outcome(RELAY, "--listen", "tls://127.0.0.1:0", "--seconds", 1, *some)
            self.assertEqual(result.returncode, 1)
            self.assertEqual(result.stderr, "tls:// needs --certificate and --key.\n")
        with_both = self.outcome(RELAY, "--listen", "tls://127.0.0.1:0", "--seconds", 0.1,
                                 "--certificate", certificate, "--key", key)
        if "no TLS" in with_both.stderr:
            self.skipTest("a build without TLS")
        self.url, self.relay = self.start_relay("tls://127.0.0.1:0", "--certificate", certificate,
                                                "--key", key)
        for belief in (("--ca", certificate), ("--pin", certificate)):
            result, _ = self.talk("ann", *belief, seconds=0.2)
            self.assertEqual(result.returncode, 0, result.stderr)
        result, _ = self.talk("eve", seconds=0.2)
        self.assertEqual(result.returncode, 1)
        self.assertIn("certificate", result.stderr)
        result, _ = self.talk("ann", "--ca", certificate, "--pin", certificate)
        self.assertEqual(result.stderr, "Give --ca or --pin, not both.\n")

        old = self.folder / "old.pem"
        shutil.copy(certificate, old)
        self.make_certificate("relay")
        self.assertIn("listens on tls://", self.relay.next_line())
        self.relay.send_signal(signal.SIGHUP)
        self.assertIn("read anew", self.relay.next_line())
        for belief, status in ((certificate, 0), (old, 1)):
            result, _ = self.talk("ann", "--pin", belief, seconds=0.2)
            self.assertEqual(result.returncode, status, result.stderr)

    def test_a_stopped_client_still_leaves_a_valid_report_and_says_goodbye(self):
        report = self.folder / "ann.json"
        client = self.start(CLIENT, "--connect", self.url, "--room", "den", "--name", "ann",
                            "--input", "none", "--output", "none", "--report", report)
        self.assertIn("in room den", client.next_line())
        client.send_signal(signal.SIGTERM)
        self.assertEqual(client.wait(), 0)
        self.assertEqual(json.loads(report.read_text())["name"], "ann")

    def test_a_relay_outlives_who_reads_what_it_says_and_says_goodbye(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        relay, (url,) = self.start_listening("sh", "-c", 'exec "$@" >"$0"', pipe, RELAY, "--listen",
                                             "tcp://127.0.0.1:0", "--verbose")
        os.close(reader)
        ann = self.listen("ann", url=url)
        relay.terminate()
        self.assertEqual(relay.wait(), 0)
        self.assertEqual(ann.wait(), 1)
        self.assertIn("the relay is closing", ann.said)

    def test_a_relay_whose_log_nobody_reads_goes_on(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        with self.assertRaises(BlockingIOError):
            while True:
                os.write(writer, bytes(4096))
        os.close(writer)
        relay, (url,) = self.start_listening("sh", "-c", 'exec "$@" >"$0"', pipe, RELAY, "--listen",
                                             "tcp://127.0.0.1:0", "--verbose")
        self.listen("ann", url=url)
        self.listen("bob", url=url)
        said = b""
        deadline = time.monotonic() + 10
        while b"bob (" not in said and time.monotonic() < deadline:
            try:
                said += os.read(reader, 65536).strip(b"\0")
            except BlockingIOError:
                time.sleep(0.05)
        self.assertTrue(said.startswith(b"relay listens on tcp://127.0.0.1:"), said)
        self.assertIn(b"bob (", said)
        relay.terminate()
        self.assertEqual(relay.wait(), 0)

    def test_what_a_client_says_to_a_closed_output_is_not_in_its_recording(self):
        heard = self.folder / "heard.wav"
        result = self.outcome("sh", "-c", 'exec "$@" >&-', "sh", CLIENT, "--connect",
                              self.url, "--room", "den", "--name", "ann", "--input", "none",
                              "--output", heard, "--seconds", 0.5)
        self.assertEqual(result.returncode, 0)
        self.assertFalse(b"in room" in heard.read_bytes())
        with wave.open(str(heard)) as sound:
            self.assertEqual(sound.getframerate(), 48000)

    def test_a_time_that_nobody_can_wait_is_refused(self):
        for seconds in ("nan", "inf", "-1", "1e9", "soon", ""):
            result = self.outcome(RELAY, "--listen", "enet://127.0.0.1:0", "--seconds", seconds)
            self.assertNotEqual(result.returncode, 0, seconds)
            self.assertIn(f"--seconds: It wants 0 to 100000000, not {seconds}.", result.stderr)
        result = self.outcome(LOAD, "--connect", self.url, "--seconds", "0.5")
        self.assertIn("--seconds: It wants 1 to 600, not 0.5.", result.stderr)

    def test_wrong_options_are_explained(self):
        for arguments in ((RELAY,), (RELAY, "--listen", "enet://nonsense"),
                          (CLIENT, "--room", "den"),
                          (RELAY, "--listen", "enet://127.0.0.1:0", "--seconds", "1e10"),
                          (RELAY, "--listen", "enet://127.0.0.1:0", "--max-room", 501,
                           "--seconds", 0.1),
                          (CLIENT, "--connect", self.url, "--room", "a", "--name", "b", "--input",
                           "none", "--output", "none", "--seconds", 0.1, "--start-delay-ms", 5),
                          (CLIENT, "--connect", self.url, "--room", "a", "--name", "b", "--input",
                           "none", "--output", "none", "--seconds", 0.1, "--echo-cancellation",
                           "on"),
                          (CLIENT, "--connect", self.url, "--room", "a", "--name", "b", "--input",
                           "none", "--output", "none", "--seconds", 0.1, "--noise-suppression",
                           "on"),
                          (CLIENT, "--connect", self.url, "--room", "a", "--name", "b", "--input",
                           "none", "--output", "none", "--seconds", 0.1, "--automatic-gain",
                           "much"),
                          (CLIENT, "--connect", self.url, "--room", "a", "--name", "b", "--input",
                           "none", "--output", "none", "--seconds", 0.1, "--push-to-talk",
                           "--voice-activated"),
                          (LOAD, "--connect", self.url, "--room", 1),
                          (CLIENT, "--connect", self.url, "--room", "a", "--name", "b" * 65,
                           "--input", "none", "--output", "none")):
            result = self.outcome(*arguments)
            self.assertNotEqual(result.returncode, 0, arguments)
            self.assertTrue(result.stderr.strip() or result.stdout.strip(), arguments)


if __name__ == "__main__":
    os.environ["SDL_AUDIODRIVER"] = "dummy"
    main()
