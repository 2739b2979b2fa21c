#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows every rule of layers.py red on a small bad tree, and green on a good one."""

import pathlib
import tempfile
import unittest

import layers

GOOD_TREE = {
    "include/tickwire/address.hpp": "#include <string>\n",
    "include/tickwire/archive.hpp": "#include <cereal/cereal.hpp>\n",
    "include/tickwire/host.hpp": "#include <tickwire/address.hpp>\n",
    "lib/base/buffer.hpp": "#include <vector>\n#include <tickwire/address.hpp>\n",
    "lib/base/buffer.cpp": '#include "lib/base/buffer.hpp"\n',
    "lib/platform/socket.cpp": '#include <sys/socket.h>\n#include "lib/base/buffer.hpp"\n',
    "lib/platform/poller.hpp": "#include <chrono>\n",
    "lib/codec/archive.cpp": "#include <cereal/types/vector.hpp>\n",
    "lib/transport/transport.hpp": '#include "lib/base/buffer.hpp"\n',
    "lib/transport/enet/enet_transport.hpp": '#include "lib/transport/transport.hpp"\n',
    "lib/transport/enet/enet_host.cpp": '#include <enet/enet.h>\n#include "enet_transport.hpp"\n',
    "lib/transport/tls/tls_stream.cpp": "#include <openssl/ssl.h>\n",
    "lib/session/session.hpp": '#include "lib/base/buffer.hpp"\n',
    "lib/host/host.cpp": (
        '#include "lib/session/session.hpp"\n'
        '#include "lib/transport/transport.hpp"\n'
        '#include "lib/platform/poller.hpp"\n'
        "#include <tickwire/host.hpp>\n"
    ),
    "lib/host/transport_factory.cpp": '#include "lib/transport/enet/enet_transport.hpp"\n',
    "lib/features/hub.cpp": '#include <tickwire/host.hpp>\n#include <zstd.h>\n',
    "lib/crypto/sha256.cpp": "#include <openssl/evp.h>\n",
    "lib/base/harmless.hpp": "#include <string>\n",
    "lib/features/transfer.cpp": (
        '#include "lib/base/harmless.hpp"\n#include "lib/crypto/sha256.hpp"\n'
    ),
    "demos/voice/audio/frame.hpp": "#include <array>\n",
    "demos/voice/client.cpp": (
        '#include <tickwire/host.hpp>\n#include "audio/frame.hpp"\n#include <SDL.h>\n'
    ),
}


class LayersTest(unittest.TestCase):
    def broken(self, extra=None):
        """The rules that break when `extra` files replace or join the good tree."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**GOOD_TREE, **(extra or {})}.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return layers.broken(root)

    def assert_red(self, file, line, sentence):
        found = self.broken({file: f"#include <vector>\n{line}\n"})
        self.assertEqual(len(found), 1, found)
        self.assertIn(f"{file}:2: {sentence}", found[0])

    def test_a_good_tree_is_green(self):
        self.assertEqual(self.broken(), [])

    def test_no_layer_knows_a_layer_above_it_or_beside_it(self):
        for file, target in [
            ("lib/base/bad.cpp", "lib/platform/poller.hpp"),
            ("lib/base/bad.cpp", "lib/session/session.hpp"),
            ("lib/platform/bad.cpp", "lib/transport/transport.hpp"),
            ("lib/codec/bad.cpp", "lib/session/session.hpp"),
            ("lib/codec/bad.cpp", "lib/platform/poller.hpp"),
            ("lib/transport/memory/bad.cpp", "lib/session/session.hpp"),
            ("lib/transport/bad.hpp", "lib/codec/x.hpp"),
            ("lib/session/bad.cpp", "lib/transport/transport.hpp"),
            ("lib/session/bad.cpp", "lib/platform/poller.hpp"),
            ("lib/session/bad.cpp", "lib/codec/x.hpp"),
            ("lib/session/bad.cpp", "lib/host/x.hpp"),
            ("lib/host/bad.cpp", "lib/transport/enet/enet_transport.hpp"),
            ("lib/host/bad.cpp", "lib/features/x.hpp"),
            ("lib/features/bad.cpp", "lib/host/x.hpp"),
            ("lib/features/bad.cpp", "lib/base/buffer.hpp"),
        ]:
            with self.subTest(file=file, target=target):
                layer = file.split("/")[1]
                self.assert_red(
                    file, f'#include "{target}"', f"lib/{layer} must not include {target}"
                )

    def test_an_include_beside_the_file_is_found_out(self):
        self.assert_red(
            "lib/session/bad.cpp",
            '#include "../platform/poller.hpp"',
            "lib/session must not include lib/platform/poller.hpp",
        )

    def test_what_is_below_the_host_does_not_know_the_host(self):
        self.assert_red(
            "lib/session/bad.cpp", "#include <tickwire/host.hpp>", "lib/session is below the host"
        )

    def test_only_the_factory_names_a_transport(self):
        self.assert_red(
            "lib/host/other_factory.cpp",
            '#include "lib/transport/enet/enet_transport.hpp"',
            "lib/host must not include lib/transport/enet/enet_transport.hpp",
        )

    def test_public_headers_include_public_headers_only(self):
        self.assert_red(
            "include/tickwire/bad.hpp",
            '#include "lib/base/buffer.hpp"',
            "a public header includes only public headers",
        )

    def test_demos_include_public_headers_only(self):
        self.assert_red(
            "demos/voice/bad.cpp",
            '#include "lib/base/buffer.hpp"',
            "a demo includes only <tickwire/...>",
        )

    def test_only_the_platform_knows_the_operating_system(self):
        for header in [
            "sys/socket.h",
            "netinet/in.h",
            "arpa/inet.h",
            "unistd.h",
            "fcntl.h",
            "poll.h",
            "netdb.h",
            "windows.h",
            "Windows.h",
            "winsock2.h",
            "ws2tcpip.h",
            "pthread.h",
        ]:
            for file in [
                "lib/host/bad.cpp",
                "lib/base/bad.cpp",
                "lib/transport/tcp/bad.cpp",
                "include/tickwire/bad.hpp",
                "demos/voice/bad.cpp",
            ]:
                with self.subTest(header=header, file=file):
                    self.assert_red(
                        file, f"#include <{header}>", "OS headers belong to lib/platform"
                    )

    def test_cereal_is_named_by_the_codec_alone(self):
        for file in ["include/tickwire/bad.hpp", "lib/session/bad.cpp", "lib/base/bad.hpp"]:
            with self.subTest(file=file):
                self.assert_red(file, "#include <cereal/cereal.hpp>", "Cereal belongs to")

    def test_cheap_public_headers_do_not_bring_cereal(self):
        for target in ["tickwire/codec.hpp", "tickwire/archive.hpp", "tickwire/byte_reader.hpp"]:
            with self.subTest(target=target):
                self.assert_red(
                    "include/tickwire/bad.hpp", f"#include <{target}>", "only codec.hpp's family"
                )
        found = self.broken({"include/tickwire/tickwire.hpp": "#include <tickwire/codec.hpp>\n"})
        self.assertEqual(found, [])

    def test_enet_stays_in_its_files_and_out_of_headers(self):
        for file in [
            "lib/transport/enet/bad.hpp",
            "lib/transport/enet/bad.cpp",
            "lib/transport/enet/enet_host.hpp",
            "lib/transport/bad.cpp",
            "include/tickwire/bad.hpp",
        ]:
            with self.subTest(file=file):
                self.assert_red(file, "#include <enet/enet.h>", "ENet belongs to")

    def test_openssl_stays_in_its_folder_and_out_of_headers(self):
        for file in [
            "lib/transport/tls/bad.hpp",
            "lib/transport/tcp/bad.cpp",
            "lib/session/bad.cpp",
            "lib/features/bad.cpp",
            "lib/crypto/bad.hpp",
        ]:
            with self.subTest(file=file):
                self.assert_red(file, "#include <openssl/ssl.h>", "OpenSSL belongs to")

    def test_the_multi_buffer_library_stays_in_its_folder_and_out_of_headers(self):
        for file in ["lib/crypto/bad.hpp", "lib/features/bad.cpp", "include/tickwire/bad.hpp"]:
            with self.subTest(file=file):
                self.assert_red(file, "#include <intel-ipsec-mb.h>", "the multi-buffer library")
        self.assertEqual(self.broken({"lib/crypto/good.cpp": "#include <intel-ipsec-mb.h>\n"}), [])

    def test_libraries_behind_features_stay_there_and_out_of_headers(self):
        for file in ["lib/features/bad.hpp", "lib/session/bad.cpp", "include/tickwire/bad.hpp"]:
            with self.subTest(file=file):
                self.assert_red(file, "#include <zstd.h>", "<zstd.h> belongs to")

    def test_doctest_stays_under_test(self):
        for file in ["lib/base/bad.cpp", "include/tickwire/bad.hpp", "demos/voice/bad.cpp"]:
            with self.subTest(file=file):
                self.assert_red(file, "#include <doctest/doctest.h>", "doctest belongs under test/")

    def test_the_library_needs_no_other_library(self):
        self.assert_red(
            "lib/host/bad.cpp", "#include <boost/asio.hpp>", "<boost/asio.hpp> is neither"
        )

    def test_an_include_that_cannot_be_read_is_refused(self):
        self.assert_red("lib/host/bad.cpp", "#include CONFIG_HEADER", "<CONFIG_HEADER> is neither")

    def test_a_file_outside_every_layer_is_refused(self):
        self.assert_red(
            "lib/extra/bad.cpp",
            '#include "lib/base/buffer.hpp"',
            "every file of lib/ stands in a layer",
        )

    def test_spacing_and_comments_hide_nothing(self):
        self.assert_red(
            "lib/session/bad.cpp",
            '  #  include   "lib/platform/poller.hpp"  // why',
            "lib/session must not include",
        )
        found = self.broken(
            {"lib/session/fine.cpp": "/* text\n#include <poll.h>\n*/\n// #include <poll.h>\n"}
        )
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
