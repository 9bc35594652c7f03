#!/usr/bin/env python3
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Run a command and look for a secret in all that it leaves: what it says, files, and the command lines of every process meanwhile.

Usage: watch.py SECRET_FILE [--files PATH]... -- COMMAND...

Exit status: that of the command; 99 when the secret was seen. The hosts of the lab share this machine's kernel, so that their command lines
are in its /proc, too.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import subprocess
import sys
import threading

FOUND = 99
PAUSE = 0.02  # seconds between two looks at all command lines


def command_lines(secret, stop, seen):
    """Note the command lines with the secret until STOP; SEEN: {what: count}."""
    while not stop.is_set():
        for entry in os.scandir("/proc"):
            if entry.name.isdigit():
                try:
                    words = pathlib.Path(entry.path, "cmdline").read_bytes()
                except OSError:  # it ended meanwhile
                    continue
                seen["command lines read"] = seen.get("command lines read", 0) + 1
                if secret in words:
                    seen["command line of " + words.split(b"\0")[0].decode(errors="replace")] = 1
        stop.wait(PAUSE)


def in_files(secret, tops):
    """The files below TOPS that hold the secret."""
    for top in tops:
        for path in [pathlib.Path(top), *pathlib.Path(top).rglob("*")]:
            if path.is_file() and not path.is_symlink() and secret in path.read_bytes():
                yield "file %s" % path


def main(arguments):
    parser = argparse.ArgumentParser()
    parser.add_argument("secret", type=pathlib.Path)
    parser.add_argument("--files", action="append", default=[])
    parser.add_argument("command", nargs="+")
    options = parser.parse_args(arguments)
    secret = options.secret.read_bytes().strip()
    stop, seen = threading.Event(), {}
    looking = threading.Thread(target=command_lines, args=(secret, stop, seen))
    looking.start()
    done = subprocess.run(options.command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    stop.set()
    looking.join()
    sys.stdout.buffer.write(done.stdout)
    looked = seen.pop("command lines read", 0)
    found = [*seen, *in_files(secret, options.files)] + ["output of the command"] * (secret in done.stdout)
    print("looked at %d command lines and %d bytes of output: the secret was in %s" % (looked, len(done.stdout), found or "none"))
    return FOUND if found else done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
