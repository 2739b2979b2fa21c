# SPDX-License-Identifier: MIT
"""What scripts/bench measures: its workloads, and the program of each peer in them."""

import os
import pathlib
import tempfile
from dataclasses import dataclass

SUBJECT = "tickwire"  # what the names of Tickwire's own peers begin with


@dataclass(frozen=True)
class Peer:
    name: str
    program: str
    options: tuple = ()


@dataclass(frozen=True)
class Workload:
    name: str
    about: str
    peers: tuple
    # In full and with --quick:
    rounds: tuple = (5, 3)
    seconds: tuple = (1.0, 0.3)  # what each program is told; nothing: it is not
    bounds: tuple = (0.01, 600.0)  # what the programs take of them
    quick: tuple = ()  # options that make --quick quicker
    seconds_option: str = "--seconds"
    together: bool = False  # the program of the first peer takes turns between all of them itself

    def runs(self, options):
        """How many rounds, and how long a program measures in each, as near as it may."""
        place = 1 if options.quick else 0
        rounds = self.rounds[place] if options.rounds is None else options.rounds
        if not self.seconds:
            return rounds, None
        seconds = self.seconds[place] if options.seconds is None else options.seconds
        least, most = self.bounds
        return rounds, min(max(seconds, least), most)

    def limit(self, options):
        """A sentence where the programs do not measure as long as was asked for."""
        _, seconds = self.runs(options)
        if seconds is None or options.seconds in (None, seconds):
            return None
        return f"{self.name} takes --seconds {self.bounds[0]:g} to {self.bounds[1]:g}"


def streams(scheme, size, *peers):
    options = ("--scheme", scheme, "--bytes", str(size))
    return tuple(Peer(p.name, p.program, options + p.options) for p in peers)


def two_cpus():
    """Two processors that this process may use, of two cores where there are two."""
    if not hasattr(os, "sched_getaffinity"):
        return 0, 1
    first, *others = sorted(os.sched_getaffinity(0))
    try:
        about = pathlib.Path(f"/sys/devices/system/cpu/cpu{first}/topology/core_cpus_list")
        ranges = [part.split("-") for part in about.read_text().strip().split(",")]
        same_core = {cpu for ends in ranges for cpu in range(int(ends[0]), int(ends[-1]) + 1)}
    except (OSError, ValueError):
        same_core = set()
    others = [cpu for cpu in others if cpu not in same_core] + others
    return first, others[0] if others else first + 1  # which then says that it is not there


def ping_pong(cpus, wait, *peers):
    options = ("--cpus", ",".join(str(cpu) for cpu in cpus), "--wait", wait)
    return tuple(Peer(p.name, p.program, options + p.options) for p in peers)


def transfers(*options):
    return tuple(
        Peer(name, program, (*options, *own))
        for name, program, own in (
            ("tickwire tcp", "bench-transfer", ()),
            ("sendfile", "bench-transfer-by-hand", ()),
            ("by hand, with checksums", "bench-transfer-by-hand", ("--checksums",)),
            ("tickwire tcp, sent before", "bench-transfer", ("--again",)),
            ("tickwire tls", "bench-transfer", ("--scheme", "tls")),
        )
    )


TICKWIRE_BYTES = Peer("tickwire bytes", "bench-stream-tickwire", ("--payload", "bytes"))
TICKWIRE_BUFFERS = Peer("tickwire send buffers", "bench-stream-tickwire", ("--payload", "buffer"))
TICKWIRE_OBJECTS = Peer("tickwire objects", "bench-stream-tickwire", ("--payload", "object"))
ASIO = Peer("asio", "bench-stream-asio")
# Asio writes 64 KiB at a time unless a completion condition of the program's own says more.
ASIO_LARGE = Peer("asio, large writes", "bench-stream-asio", ("--write", str(2 << 20)))
OPENSSL = Peer("openssl, full records", "bench-stream-openssl")
CODECS = tuple(
    Peer(name, "bench-codec")
    for name in ("tickwire", "tickwire, vector", "by hand", "by hand, vector",
                 "cereal binary, new stream", "cereal binary, same stream",
                 "cereal portable, same stream", "msgpack")
)
FLATBUFFERS = Peer("flatbuffers", "bench-codec")  # its schema has the small message only
EPOLL = Peer("epoll, 64 KiB batches", "bench-stream-epoll")
EPOLL_EACH = Peer("epoll, one send each", "bench-stream-epoll", ("--batch", "1"))
EPOLL_LARGE = Peer("epoll", "bench-stream-epoll")
LIBUV = Peer("libuv", "bench-stream-libuv")
ZEROMQ = Peer("zeromq", "bench-stream-zeromq")
NNG = Peer("nng", "bench-stream-nng")
ENET = Peer("enet, reliable", "bench-stream-enet")
# As Tickwire does where a call finds that they pass.
ENET_LARGE = Peer("enet, MTU 4,092", "bench-stream-enet", ("--datagrams", "large"))
TICKWIRE_USUAL = Peer("tickwire bytes, usual datagrams", "bench-stream-tickwire",
                      ("--payload", "bytes", "--datagrams", "usual"))
TICKWIRE_ALONE = Peer("tickwire bytes, usual, one by one", "bench-stream-tickwire",
                      ("--payload", "bytes", "--datagrams", "usual", "--one-by-one"))
ENET_UNRELIABLE = Peer("enet, unreliable", "bench-stream-enet", ("--delivery", "unreliable"))

FIRST_CPU, SECOND_CPU = two_cpus()
PINGS = tuple(
    Peer(name, program, ("--scheme", scheme, *options))
    for name, program, scheme, options in (
        ("tickwire tcp, bytes", "bench-ping-tickwire", "tcp", ()),
        ("tickwire tcp, objects", "bench-ping-tickwire", "tcp", ("--payload", "object")),
        ("tickwire enet, reliable", "bench-ping-tickwire", "enet", ()),
        ("tickwire enet, unreliable", "bench-ping-tickwire", "enet", ("--delivery", "unreliable")),
        ("udp", "bench-ping-udp", "udp", ()),
        ("enet, reliable", "bench-ping-enet", "enet", ()),
        ("enet, unreliable", "bench-ping-enet", "enet", ("--delivery", "unreliable")),
        ("epoll", "bench-ping-epoll", "tcp", ()),
        ("asio", "bench-ping-asio", "tcp", ()),
        ("libuv", "bench-ping-libuv", "tcp", ()),
    )
)
PINGS_THAT_SPIN_INSIDE = (
    Peer("tickwire tcp, bytes, own spin", "bench-ping-tickwire",
         ("--scheme", "tcp", "--spin-by", "config")),
    Peer("tickwire enet, unreliable, own spin", "bench-ping-tickwire",
         ("--scheme", "enet", "--delivery", "unreliable", "--spin-by", "config")),
)
# They read in threads of their own, from which spinning would take the processor.
PINGS_THAT_BLOCK = (
    Peer("zeromq", "bench-ping-zeromq"),
    Peer("nng", "bench-ping-nng"),
)

RELAYS = (
    Peer("tickwire enet", "bench-relay-tickwire"),
    Peer("tickwire enet, every 2 ms", "bench-relay-tickwire", ("--tick-ms", "2")),
    Peer("enet", "bench-relay-enet"),
    Peer("enet, every 2 ms", "bench-relay-enet", ("--tick-ms", "2")),
    Peer("udp, one send each", "bench-relay-udp"),
)

# A disk would be what is measured; where there is no such folder it is.
MEMORY_FOLDER = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tempfile.gettempdir()

WORKLOADS = (
    Workload(
        "stream_small",
        "64-byte messages one way over TCP",
        streams("tcp", 64, TICKWIRE_OBJECTS, TICKWIRE_BYTES, ASIO, LIBUV, EPOLL, EPOLL_EACH,
                ZEROMQ, NNG),
    ),
    Workload(
        "stream_bulk",
        "1 MiB messages one way over TCP",
        streams("tcp", 1 << 20, TICKWIRE_OBJECTS, TICKWIRE_BYTES, TICKWIRE_BUFFERS, ASIO,
                ASIO_LARGE, LIBUV, EPOLL_LARGE, ZEROMQ),
    ),
    Workload(
        "stream_small_enet",
        "64-byte messages one way over ENet",
        streams("enet", 64, TICKWIRE_BYTES, TICKWIRE_USUAL, TICKWIRE_ALONE, ENET, ENET_LARGE,
                ENET_UNRELIABLE),
    ),
    Workload(
        "stream_bulk_enet",
        "1 MiB messages one way over ENet",
        streams("enet", 1 << 20, TICKWIRE_BYTES, TICKWIRE_BUFFERS, TICKWIRE_USUAL, TICKWIRE_ALONE,
                ENET, ENET_LARGE),
    ),
    Workload(
        "stream_small_tls",
        "64-byte messages one way over TLS",
        streams("tls", 64, TICKWIRE_OBJECTS, TICKWIRE_BYTES, ASIO, OPENSSL),
    ),
    Workload(
        "stream_bulk_tls",
        "1 MiB messages one way over TLS",
        streams("tls", 1 << 20, TICKWIRE_OBJECTS, TICKWIRE_BYTES, TICKWIRE_BUFFERS, ASIO,
                OPENSSL),
    ),
    Workload(
        "ping_pong_one_core",
        "64 bytes there and back, both ends on one core",
        ping_pong((FIRST_CPU,), "block", *PINGS, *PINGS_THAT_BLOCK),
    ),
    Workload(
        "ping_pong_two_cores_blocking",
        "64 bytes there and back, a core for each end, which sleeps while it waits",
        ping_pong((FIRST_CPU, SECOND_CPU), "block", *PINGS, *PINGS_THAT_BLOCK),
    ),
    Workload(
        "ping_pong_two_cores_spinning",
        "64 bytes there and back, a core for each end, which never sleeps",
        ping_pong((FIRST_CPU, SECOND_CPU), "spin", *PINGS, *PINGS_THAT_SPIN_INSIDE),
        seconds=(1.0, 0.8),  # where another program has a core, a spinner waits for its turn
    ),
    Workload(
        "codec_small",
        "a message of a game: id, three floats, a name of 12 characters, 16 shorts",
        (*CODECS, FLATBUFFERS),
        rounds=(5, 1),
        together=True,
    ),
    Workload(
        "codec_flat", "a struct of 16 floats", CODECS, rounds=(5, 1), together=True
    ),
    Workload(
        "codec_structs",
        "a vector of 100,000 structs of 3 floats",
        CODECS,
        rounds=(5, 1),
        together=True,
    ),
    Workload(
        "codec_floats", "a vector of 100,000 floats", CODECS, rounds=(5, 1), together=True
    ),
    Workload(
        "micro",
        "what a message passes through, each on its own, by Google Benchmark",
        tuple(
            Peer(name, "bench-micro")
            for name in ("ring queue: push and take", "ticker: a look",
                         "codec: encode and decode", "sessions: a message",
                         "hosts over memory: a message")
        ),
        together=True,
        rounds=(5, 1),
    ),
    Workload(
        "voice_beside_bulk",
        "80 bytes, 50 times a second, beside 100 MB messages on a lower channel of the connection",
        tuple(
            Peer(f"{scheme} {name}", "bench-voice-beside-bulk", ("--scheme", scheme) + options)
            for scheme in ("tcp", "tls", "enet")
            for name, options in (("alone", ("--bulk", "0")), ("beside bulk", ()))
        ),
        rounds=(5, 1),
        seconds=(5.0, 1.0),
        bounds=(1.0, 600.0),
    ),
    Workload(
        "transfer",
        "a file of 1 GiB over TCP, onto a disk in memory; sendfile makes no checksum",
        transfers("--folder", MEMORY_FOLDER),
        rounds=(5, 2),
        seconds=(),
        quick=("--bytes", "256MB"),
    ),
    Workload(
        "transfer_to_disk",
        "the same, to where temporary files are",
        transfers(),
        rounds=(5, 2),
        seconds=(),
        quick=("--bytes", "256MB"),
    ),
    Workload(
        "voice_beside_transfer",
        "80 bytes, 50 times a second, beside a file on the same connection",
        tuple(
            Peer(f"{scheme} {name}", "bench-transfer",
                 ("--folder", MEMORY_FOLDER, "--scheme", scheme, "--bytes", size))
            for scheme in ("tcp", "tls", "enet")
            for name, size in (("alone", "0"), ("beside a transfer", "256MB"))
        ),
        rounds=(5, 1),
        seconds=(5.0, 2.0),
        bounds=(1.0, 600.0),
        seconds_option="--voice",
    ),
    Workload(
        "relay",
        "voices of 128 clients in rooms of 8: 80 bytes, 50 times a second, each to 7 others",
        RELAYS,
        rounds=(5, 2),
        seconds=(5.0, 1.0),
        bounds=(0.5, 600.0),
    ),
    Workload(
        "relay_most",
        "the same rooms, faster and faster: most with 99 % delivered, 99 % of that within 10 ms",
        tuple(Peer(r.name, r.program, ("--find-most", *r.options)) for r in RELAYS),
        rounds=(1, 1),
        seconds=(2.0, 0.5),
        bounds=(0.5, 600.0),
    ),
    Workload(
        "ticks",
        "120 ticks a second of a host that echoes 4,000 messages of 64 bytes a second meanwhile",
        tuple(
            Peer(name, "bench-ticks", options)
            for name, options in (
                ("without load", ("--load", "0")),
                ("tcp", ("--scheme", "tcp")),
                ("tls", ("--scheme", "tls")),
                ("enet", ("--scheme", "enet")),
            )
        ),
        rounds=(3, 2),
        seconds=(5.0, 1.0),
        bounds=(0.1, 600.0),
    ),
    Workload(
        "idle_connections",
        "10,000 accepted TCP connections that say nothing but keep-alives",
        (Peer("tickwire", "bench-idle-connections"),),
        rounds=(5, 1),
        seconds=(3.0, 2.0),
        bounds=(0.1, 600.0),
    ),
    Workload(
        "idle_enet",
        "4,000 accepted connections over ENet that say nothing but keep-alives",
        (
            Peer("tickwire", "bench-idle-connections",
                 ("--scheme", "enet", "--connections", "4000")),
            Peer("enet", "bench-idle-enet"),
        ),
        rounds=(5, 1),
        seconds=(3.0, 2.0),
        bounds=(0.1, 600.0),
    ),
    Workload(
        "growth",
        "messages in a second, and memory, with more connections, bytes, channels and listeners",
        tuple(
            Peer(f"tickwire {scheme}, {what}", "bench-growth",
                 ("--scheme", scheme, "--by", what))
            for what in ("connections", "size", "channels", "listeners")
            for scheme in ("tcp", "enet")
        ),
        rounds=(1, 1),
        seconds=(1.0, 0.3),
        bounds=(0.01, 60.0),
        quick=("--every", "3"),
    ),
)
