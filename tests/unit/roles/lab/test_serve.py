# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The site's repository asks for its login where a site's mirror would, and nowhere else."""

from __future__ import annotations

import base64
import http.client
import socket
import subprocess
import sys
import time

import pytest
from lab import repository

PASSWORD = "correct-horse"


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    top = tmp_path_factory.mktemp("served")
    for name in ("debian/Release", "rhel9/repomd.xml", "rhel9-base/repomd.xml", "key.asc"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text("text")
    (top / "password").write_text(PASSWORD + "\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, repository.SOURCE / "serve.py", top, str(number), top / "password"], stderr=subprocess.DEVNULL)
    while socket.socket().connect_ex(("127.0.0.1", number)):
        assert server.poll() is None
        time.sleep(0.05)
    yield number
    server.kill()
    server.wait()


def status(port, path, password=None):
    headers = {"Authorization": "Basic " + base64.b64encode(f"lab:{password}".encode()).decode()} if password else {}
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path, headers=headers)
    return connection.getresponse().status


@pytest.mark.parametrize(
    ("path", "password", "expected"),
    [
        ("/debian/Release", None, 401),
        ("/debian/Release", "wrong", 401),
        ("/debian/Release", PASSWORD, 200),
        ("/rhel9/repomd.xml", None, 401),
        ("/rhel9/repomd.xml", PASSWORD, 200),
        ("/rhel9-base/repomd.xml", None, 200),
        ("/key.asc", None, 200),
        ("/debian", None, 301),
    ],
)
def test_own_archives_want_the_login(port, path, password, expected):
    assert status(port, path, password) == expected
