# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The site's repository asks for its login where a site's mirror would, and nowhere else."""

from __future__ import annotations

import base64
import hashlib
import http.client
import importlib.util
import io
import json
import socket
import subprocess
import sys
import tarfile
import time

import pytest
from lab import repository

PASSWORD = "correct-horse"
SPEC = importlib.util.spec_from_file_location("images", repository.SOURCE.parent / "kubernetes/images.py")
images_program = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(images_program)


@pytest.fixture(scope="module")
def port(tmp_path_factory):
    top = tmp_path_factory.mktemp("served")
    for name in ("debian/Release", "rhel9/repomd.xml", "rhel9-base/repomd.xml", "key.asc"):
        (top / name).parent.mkdir(exist_ok=True)
        (top / name).write_text("text")
    images = images_program.Registry(top)
    images.image("lab/toolbox:1", {"/bin/busybox": (b"program", 0o755), "/bin/sh": "busybox"}, ["/bin/sh"])
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


def asked(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer, answer.read()


def test_it_answers_as_a_registry_of_images(port):
    """As far as somebody who pulls asks: a manifest by tag with its type and digest, the same by digest, and every blob that it names."""
    answer, body = asked(port, "/v2/lab/toolbox/manifests/1?ns=registry.k8s.io")
    manifest, digest = json.loads(body), "sha256:" + hashlib.sha256(body).hexdigest()
    assert (answer.headers["Content-Type"], answer.headers["Docker-Content-Digest"]) == (manifest["mediaType"], digest)
    assert asked(port, "/v2/lab/toolbox/manifests/" + digest)[1] == body
    for row in [manifest["config"], *manifest["layers"]]:
        blob = asked(port, "/v2/lab/toolbox/blobs/" + row["digest"])[1]
        assert "sha256:" + hashlib.sha256(blob).hexdigest() == row["digest"] and len(blob) == row["size"]
    assert asked(port, "/v2/")[0].status == 200 and asked(port, "/v2/lab/toolbox/manifests/2")[0].status == 404


def test_a_layer_has_the_files_and_the_folders_above_them(port):
    manifest = json.loads(asked(port, "/v2/lab/toolbox/manifests/1")[1])
    layer = asked(port, "/v2/lab/toolbox/blobs/" + manifest["layers"][0]["digest"])[1]
    with tarfile.open(fileobj=io.BytesIO(layer)) as archive:
        assert archive.getnames() == ["tmp", "etc", "run", "var", "bin", "bin/busybox", "bin/sh"]
        assert archive.extractfile("bin/busybox").read() == b"program" and archive.getmember("bin/sh").linkname == "busybox"
        assert archive.getmember("tmp").mode == 0o1777 and archive.getmember("bin/busybox").mode == 0o755
