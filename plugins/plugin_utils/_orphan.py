# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A worker of Ansible whose controller was killed ends, and its connection with it: else a host works on for nobody."""

from __future__ import annotations

import contextlib
import os
import signal
import threading

LOOK = 1.0  # seconds between two looks


def _end_worker():
    """Ansible's workers lead a group of their own, in which the program of the connection is."""
    if os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGTERM)
    else:
        os.kill(os.getpid(), signal.SIGTERM)


def _watch(parent, done):
    while not done.wait(LOOK):
        if os.getppid() != parent:
            _end_worker()
            return


@contextlib.contextmanager
def ended_with_controller():
    """What runs inside ends when the process that started this one is gone."""
    done = threading.Event()
    threading.Thread(target=_watch, args=(os.getppid(), done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
