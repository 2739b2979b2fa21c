# SPDX-License-Identifier: MIT
"""Programs on a terminal of their own."""

import os
import pty
import subprocess
import termios

from programs import Program


class Terminal(Program):
    """A terminal that a program runs on, all that it says shown as it comes."""

    def launch(self):
        self.master, slave = pty.openpty()
        try:
            process = subprocess.Popen(self.command, stdin=slave, stdout=slave, stderr=slave,
                                       start_new_session=True)
        finally:
            os.close(slave)  # reading then fails once the program has ended
        return process, self.master

    def asks(self, question):
        """Waits until it waits for an answer."""
        self.wait_until(lambda: self.said.endswith(question), f"question {question!r}")

    def write(self, text):
        os.write(self.master, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.master)[3] & termios.ECHO)

    def end(self):
        super().end()
        os.close(self.master)
