#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the examples of the five older libraries as their users would, over every transport.

    seed_programs.py FOLDER      where the programs are
"""

import subprocess

from programs import ProgramTest, main, take_paths

[FOLDER] = take_paths(1)
URLS = ("tcp://127.0.0.1:0", "enet://127.0.0.1:0")


class SeedPrograms(ProgramTest):
    def seed(self, name, *arguments):
        return self.start(FOLDER / ("seed_" + name), *arguments, stdin=subprocess.PIPE)

    def serve(self, name, *urls):
        """A server and the addresses that it listens at."""
        server = self.seed(name, *urls)
        return server, [server.wait_for("Listening at ").split()[-1] for _ in urls]

    def for_each_url(self, run):
        for url in URLS:
            with self.subTest(url=url):
                run(url)

    def test_obj_over_tcp_in_both_modes(self):
        def run(url):
            server, (here,) = self.serve("obj_over_tcp_echo_server", url)
            client = self.seed("obj_over_tcp_echo_client", here)
            client.wait_for("Object received")
            self.assertEqual(client.wait(), 0)
            server.wait_for("Client disconnected")
            client = self.seed("obj_over_tcp_async_echo_client", here)
            client.wait_for("Echo received: my message")
            self.assertEqual(client.wait(), 0)
            server, (here,) = self.serve("obj_over_tcp_async_echo_server", url)
            clients = [self.seed("obj_over_tcp_async_echo_client", here) for _ in range(3)]
            self.assertEqual([each.wait() for each in clients], [0, 0, 0])
            server.wait_for("Object received: my message")

        self.for_each_url(run)

    def test_simple_server(self):
        def run(url):
            server, (here,) = self.serve("simple_server_server", url)
            client = self.seed("simple_server_client", here)
            client.wait_for("Server handshake received: Hello from the server!")
            self.assertEqual(client.wait(), 0)
            server.wait_for("Message received: Hello server!")
            server.wait_for("Client disconnected: ")

        self.for_each_url(run)

    def test_simple_server_is_verbose_when_it_is_told_so(self):
        server = self.seed("simple_server_server", "tcp://127.0.0.1:0", "--verbose")
        here = server.wait_for("Listening at ").split()[-1]
        self.assertEqual(self.seed("simple_server_client", here).wait(), 0)
        server.wait_for("connected")
        server.wait_for("Client disconnected: ")
        self.assertIn(": connected", server.said)

    def test_simple_server_client_says_why_it_cannot_connect(self):
        client = self.seed("simple_server_client", "tcp://127.0.0.1:1")
        client.wait_for("Connection failed: ")
        self.assertEqual(client.wait(), 1)
        client = self.seed("simple_server_client", "no address")
        client.wait_for("Connection failed: ")
        self.assertEqual(client.wait(), 1)

    def test_alvaro(self):
        def run(url):
            server, (here,) = self.serve("alvaro_server", url)
            client = self.seed("alvaro_client", here)
            client.wait_for("Connected!")
            self.assertEqual(client.wait(), 0)
            server.wait_for("MetaData transferred successfully!")
            server.wait_for("Lost a client")

        self.for_each_url(run)

    def test_alvaro_over_tls_with_a_pinned_certificate(self):
        without = self.seed("alvaro_server", "tls://127.0.0.1:0")
        why = without.wait_for("")
        self.assertEqual(without.wait(), 1)
        if "no TLS" in why:
            self.skipTest("a build without TLS")
        self.assertIn("certificate_file", why)
        certificate, key = self.make_certificate("server")
        stranger, _ = self.make_certificate("stranger")
        server = self.seed("alvaro_server", "tls://127.0.0.1:0", certificate, key)
        here = server.wait_for("Listening at ").split()[-1]
        client = self.seed("alvaro_client", here, certificate)
        client.wait_for("Connected!")
        self.assertEqual(client.wait(), 0)
        server.wait_for("MetaData transferred successfully!")
        server.wait_for("Lost a client")
        client = self.seed("alvaro_client", here, stranger)
        client.wait_for("certificate")  # an error that names it; the program waits on
        self.assertNotIn("Connected!", client.said)

    def test_alvaro_blacklist(self):
        server, (here,) = self.serve("alvaro_blacklist_server", "tcp://127.0.0.1:0")
        first = self.seed("alvaro_client", here)
        server.wait_for("Blacklisted 127.0.0.1")
        self.assertEqual(first.wait(), 1)
        second = self.seed("alvaro_client", here)
        second.wait_for("127.0.0.1")  # an error that names the address
        self.assertEqual(second.wait(), 1)
        self.assertNotIn("Connected!", second.said)

    def test_tinyproto_echo(self):
        server, addresses = self.serve("tinyproto_echo_server", *URLS)
        first, second = (self.seed("tinyproto_echo_client", here) for here in addresses)
        for client in (first, second):
            client.say("something")
            client.wait_for("Response from server: Echo back: something")
        first.say("QUIT")
        self.assertEqual(first.wait(), 0)
        server.wait_for("Connection closed from ")
        last = self.seed("tinyproto_echo_client", addresses[0])
        last.say("SRVQUIT")
        last.wait_for("The server shuts down.")
        second.wait_for("The server shuts down.")
        self.assertEqual([each.wait() for each in (last, second, server)], [0, 0, 0])

    def test_tinyproto_chat(self):
        server, (here,) = self.serve("tinyproto_chat_server", "tcp://127.0.0.1:0")
        ann = self.seed("tinyproto_chat_client", "ann", here)
        ann.wait_for("You are in.")
        bob = self.seed("tinyproto_chat_client", "bob", here)
        bob.wait_for("You are in.")
        ann.wait_for("bob is here.")
        ann.say("good evening")
        bob.wait_for("ann: good evening")
        bob.end_input()
        self.assertEqual(bob.wait(), 0)
        ann.wait_for("bob has left.")
        server.wait_for("bob has left.")

    def test_socket_engine_hubs(self):
        def run(url):
            first, (here,) = self.serve("socket_engine_first_hub", url)
            second = self.seed("socket_engine_second_hub", here)
            second.wait_for("hubs are connected")
            second.wait_for("an image of 64 x 48")
            self.assertEqual(second.wait(), 0)
            self.assertEqual(first.wait(), 0)

        self.for_each_url(run)

    def test_socket_engine_host_and_client(self):
        def run(url):
            host, (here,) = self.serve("socket_engine_host", url)
            client = self.seed("socket_engine_client", here)
            host.wait_for("client is connected!")
            self.assertEqual(host.wait(), 0)
            self.assertEqual(client.wait(), 0)

        self.for_each_url(run)

    def test_every_server_says_what_is_wrong_with_its_address(self):
        for name in ("obj_over_tcp_echo_server", "obj_over_tcp_async_echo_server",
                     "simple_server_server", "alvaro_server", "tinyproto_echo_server",
                     "tinyproto_chat_server", "socket_engine_first_hub", "socket_engine_host"):
            with self.subTest(name=name):
                server = self.seed(name, "pigeon://roof:1")
                server.wait_for("pigeon")
                self.assertEqual(server.wait(), 1)


if __name__ == "__main__":
    main()
