#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds OpenSSL's two static libraries in a folder of their own; meson.build here calls it."""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys

# What Tickwire does not use is left out. No shared libraries: they would need installing too.
OPTIONS = ["no-shared", "no-tests", "no-module", "no-engine", "no-legacy", "no-deprecated"]


def system_certificate_folder() -> str:
    """Where this system keeps its authorities, so that "the system's" in TlsConfig finds them."""
    candidates = [
        "/etc/pki/tls",
        "/etc/ssl",
        "/usr/local/etc/openssl@3",
        "/opt/homebrew/etc/openssl@3",
    ]
    return next((folder for folder in candidates if os.path.isdir(folder)), "/etc/ssl")


def run(command: list[str], folder: pathlib.Path, log: pathlib.Path, environment: dict) -> None:
    with log.open("ab") as output:
        status = subprocess.run(
            command,
            cwd=folder,
            stdout=output,
            stderr=output,
            env=environment,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode
    if status != 0:
        tail = log.read_text(errors="replace").splitlines()[-40:]
        sys.exit("\n".join([*tail, f"OpenSSL's build failed; its whole log is {log}"]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("source", "build", "output"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    for name in ("perl", "make"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--compiler", nargs="+", required=True)
    arguments = parser.parse_args()

    build = arguments.build.resolve()
    build.mkdir(parents=True, exist_ok=True)
    log = build / "build.log"
    log.unlink(missing_ok=True)
    # A -j of the outer make is not ours, and a stray MAKEFLAGS breaks OpenSSL's recursion.
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    environment["CC"] = " ".join(arguments.compiler)

    configure = arguments.source.resolve() / "Configure"
    run(
        [arguments.perl, str(configure), *OPTIONS, f"--openssldir={system_certificate_folder()}"],
        build,
        log,
        environment,
    )
    run([arguments.make, f"-j{os.cpu_count() or 1}", "build_libs"], build, log, environment)

    shutil.copy2(build / "libcrypto.a", arguments.output / "libcrypto.a")
    (arguments.output / "openssl-is-built.h").write_text("// SPDX-License-Identifier: MIT\n")


if __name__ == "__main__":
    main()
