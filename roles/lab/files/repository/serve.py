# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""serve.py FOLDER PORT [PASSWORD_FILE]: serve a folder; the site's own archives in it ask for the login `lab`, as a site's mirror would.

Below /v2 it answers as a registry of images does, as far as files can: a manifest has its type and its digest in the header.
"""
from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import http.server
import pathlib
import sys

LOGIN = "lab"
# the other folders stand for the archives of distributions
PROTECTED = ("/debian/", "/rhel9/")
REGISTRY = "/v2/"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Handler(http.server.SimpleHTTPRequestHandler):
    def __init__(self, *words, password_file, **options):
        self.password_file = password_file
        super().__init__(*words, **options)

    def send_head(self):
        if self.path.startswith(PROTECTED) and self.password_file and not self._known():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="lab"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return super().send_head()

    def guess_type(self, path):
        return MANIFEST if self.path.startswith(REGISTRY) and "/manifests/" in self.path else super().guess_type(path)

    def end_headers(self):
        if self.path.startswith(REGISTRY) and "/manifests/" in self.path:
            file = pathlib.Path(self.translate_path(self.path))
            if file.is_file():
                self.send_header("Docker-Content-Digest", "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest())
        super().end_headers()

    def _known(self):
        password = pathlib.Path(self.password_file).read_text(encoding="utf-8").strip()
        wanted = "Basic " + base64.b64encode(("%s:%s" % (LOGIN, password)).encode()).decode()
        return hmac.compare_digest(wanted.encode(), self.headers.get("Authorization", "").encode())


def main(folder, port, password_file=None):
    http.server.ThreadingHTTPServer(("", int(port)), functools.partial(Handler, directory=folder, password_file=password_file)).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
