#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads the #include lines of include/, lib/ and demos/; fails on an arrow that points not down.

    layers.py [ROOT]      ROOT is the checkout; exit status 1 when a rule is broken
"""

import pathlib
import re
import sys
from typing import Iterator, NamedTuple, Optional

# What a layer may include of lib/, besides <tickwire/...> and the standard library.
LAYERS = {
    "base": {"base"},
    "platform": {"platform", "base"},
    "codec": {"codec", "base"},
    "transport": {"transport", "platform", "base"},
    "session": {"session", "base"},
    "host": {"host", "session", "platform", "codec", "base"},
    "crypto": {"crypto"},
    "features": {"features", "crypto", "platform"},
}
TRANSPORT_SEAM = "lib/transport/transport.hpp"
TRANSPORT_FACTORY = "lib/host/transport_factory.cpp"
# Functions of text alone, which features show as the session does.
TEXT_FUNCTIONS = "lib/base/harmless.hpp"

# Public headers that stand for the host itself: nothing below it may know them.
HOST_HEADERS = {"tickwire/host.hpp", "tickwire/tickwire.hpp", "tickwire/extension.hpp"}
LAYERS_BELOW_HOST = {"base", "platform", "codec", "transport", "session"}

# The public headers that bring Cereal. The others stay cheap: only the umbrella may include these.
CEREAL_HEADERS = {
    f"tickwire/{name}.hpp"
    for name in (
        "archive",
        "codec",
        "byte_reader",
        "byte_writer",
        "element_shape",
        "plain_run",
        "serialization",
        "standard_types",
    )
}
UMBRELLA = "tickwire/tickwire.hpp"

OPENSSL_FOLDERS = ("lib/transport/tls/", "lib/crypto/")

# Optional libraries behind features.
FEATURE_LIBRARIES = {"lz4.h", "zstd.h", "sqlite3.h", "turbojpeg.h", "nlohmann/json.hpp"}

# The demo files that ask the operating system: C++ itself starts no program, which one does to draw
# with gnuplot, hides no letters on a terminal, which one does for passwords, and cannot ask whether
# somebody reads what is written, which servers do for what they say.
DEMO_OS_FILES = {"demos/voice/check/gnuplot.cpp", "demos/users/password.cpp",
                 "demos/shared/ready_stream_posix.cpp"}

# Demos bring libraries of their own, so for them the system's headers are named one by one.
OS_HEADER = re.compile(
    r"(sys|netinet|arpa|net|linux|mach|bits|asm)/.*"
    r"|(unistd|fcntl|poll|netdb|ifaddrs|pthread|sched|semaphore|signal|dlfcn|termios|spawn|aio"
    r"|dirent|windows|winsock2?|ws2tcpip|mswsock|iphlpapi|mmsystem|io|direct|process)\.h",
    re.IGNORECASE,
)

SOURCES = {".hpp", ".cpp", ".h", ".in"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:([<"])([^>"\n]+)[>"]|(\S.*))', re.MULTILINE)
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


class Include(NamedTuple):
    file: str  # the including file, from the checkout's root, with forward slashes
    line: int
    target: str  # what it includes: a path from the root for the project's own files
    own: bool  # it is a file of the project


def layer_of(path: str) -> Optional[str]:
    parts = path.split("/")
    return parts[1] if parts[0] == "lib" and len(parts) > 2 else None


def public_name(file: str) -> str:
    """How a public header is included: include/tickwire/host.hpp is tickwire/host.hpp."""
    return file.removeprefix("include/")


def resolve(root: pathlib.Path, file: str, quote: str, name: str) -> tuple[str, bool]:
    """The file of the project that an include means: public, beside the file, or from the root."""
    if name.startswith("tickwire/"):
        return name, True
    if quote == '"':
        beside = (root / file).parent
        for folder in [beside, root, *(root / "demos").glob("*")]:
            if (folder / name).is_file():
                return (folder / name).resolve().relative_to(root).as_posix(), True
    return name, name.startswith(("lib/", "demos/", "test/", "bench/"))


def includes(root: pathlib.Path) -> Iterator[Include]:
    files = [
        path
        for top in ("include", "lib", "demos")
        for path in sorted((root / top).rglob("*"))
        if path.suffix in SOURCES and path.is_file()
    ]
    for path in files:
        file = path.relative_to(root).as_posix()
        text = path.read_text(encoding="utf-8")
        # Comments go, but their line ends stay, so that line numbers hold.
        text = COMMENT.sub(lambda match: "\n" * match.group().count("\n"), text)
        for match in INCLUDE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            quote, name, macro = match.groups()
            if macro:
                yield Include(file, line, macro, own=False)
            else:
                yield Include(file, line, *resolve(root, file, quote, name))


def broken_rule(include: Include) -> Optional[str]:
    """The sentence that says what is wrong with one include, or nothing."""
    if include.target.startswith("doctest/"):
        return "doctest belongs under test/"
    if include.own:
        return own_rule(include)
    if include.file.startswith("demos/"):
        allowed = include.file in DEMO_OS_FILES or not OS_HEADER.fullmatch(include.target)
        return None if allowed else "OS headers belong to lib/platform"
    return foreign_rule(include)


def own_rule(include: Include) -> Optional[str]:
    file, target = include.file, include.target
    layer = layer_of(file)
    if target.startswith("tickwire/"):
        if layer in LAYERS_BELOW_HOST and target in HOST_HEADERS:
            return f"lib/{layer} is below the host and must not know {target}"
        if file.startswith("include/") and target in CEREAL_HEADERS:
            allowed = public_name(file) in CEREAL_HEADERS | {UMBRELLA}
            return None if allowed else "only codec.hpp's family and the umbrella may bring Cereal"
        return None
    if file.startswith("include/"):
        return "a public header includes only public headers, as <tickwire/...>"
    if file.startswith("demos/"):
        return None if target.startswith("demos/") else "a demo includes only <tickwire/...>"
    if layer not in LAYERS:
        return "every file of lib/ stands in a layer that test/checks/layers.py knows"
    if layer == "host" and target == TRANSPORT_SEAM:
        return None
    if layer == "features" and target == TEXT_FUNCTIONS:
        return None
    if file == TRANSPORT_FACTORY and layer_of(target) == "transport":
        return None
    if layer_of(target) in LAYERS[layer]:
        return None
    return f"lib/{layer} must not include {target}"


def foreign_rule(include: Include) -> Optional[str]:
    """For include/ and lib/: what is neither ours nor the standard library's has one place each."""
    file, target = include.file, include.target
    if target.startswith("cereal/"):
        allowed = public_name(file) in CEREAL_HEADERS or file.startswith("lib/codec/")
        return None if allowed else "Cereal belongs to codec.hpp's family and lib/codec"
    if target.startswith("enet/"):
        allowed = re.fullmatch(r"lib/transport/enet/enet_host\w*\.cpp", file)
        return None if allowed else "ENet belongs to lib/transport/enet/enet_host*.cpp"
    if target.startswith("openssl/"):
        allowed = file.startswith(OPENSSL_FOLDERS) and file.endswith(".cpp")
        return None if allowed else "OpenSSL belongs to .cpp files of lib/transport/tls, lib/crypto"
    if target == "intel-ipsec-mb.h":
        allowed = file.startswith("lib/crypto/") and file.endswith(".cpp")
        return None if allowed else "the multi-buffer library belongs to .cpp files of lib/crypto"
    if target in FEATURE_LIBRARIES:
        allowed = file.startswith("lib/features/") and file.endswith(".cpp")
        return None if allowed else f"<{target}> belongs to .cpp files of lib/features"
    if re.fullmatch(r"[a-z_]+", target) or file.startswith("lib/platform/"):
        return None
    if OS_HEADER.fullmatch(target):
        return "OS headers belong to lib/platform"
    return f"<{target}> is neither the project's nor the C++ standard library's"


def broken(root: pathlib.Path) -> list[str]:
    """Every broken rule of a tree, as `file:line: sentence`."""
    root = root.resolve()
    found = []
    for include in includes(root):
        sentence = broken_rule(include)
        if sentence:
            found.append(f"{include.file}:{include.line}: {sentence} ({include.target})")
    return found


def main() -> int:
    default_root = pathlib.Path(__file__).resolve().parents[2]
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default_root
    if not (root / "include" / "tickwire").is_dir():
        print(f"{root} is no checkout of Tickwire: it has no include/tickwire", file=sys.stderr)
        return 2
    found = broken(root)
    print("\n".join(found) if found else "every include points down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
