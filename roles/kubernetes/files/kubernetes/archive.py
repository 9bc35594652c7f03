# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A set of etcd as an archive: what it was taken of, and its parts, each by its digest. Nothing else is let in, and nothing else is taken out.

manifest.json: {format, cluster, endpoint, kubernetes, etcd, host, address, at, reason, revision, keys, settings, authority, parts: {name: sha256}}
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import tarfile
import zlib

import kubeadm
import ledger

FORMAT, MANIFEST, SNAPSHOT = 1, "manifest.json", "etcd/snapshot.db"
PKI = "/etc/kubernetes/pki"
# what makes all other certificates and logins, and reads the secrets; the rest is made anew
AUTHORITIES = ("ca.crt", "ca.key", "front-proxy-ca.crt", "front-proxy-ca.key", "etcd/ca.crt", "etcd/ca.key", "sa.pub", "sa.key")
PLACES = {**{"pki/" + one: "%s/%s" % (PKI, one) for one in AUTHORITIES},
          **{"policy/%s.yaml" % one: "%s/%s.yaml" % (kubeadm.POLICIES, one) for one in ("encryption", "authentication", "audit", "admission")}}  # fmt: skip
# a certificate, a key or a policy is far smaller
SMALL = 4 << 20
BLOCK = 1 << 20
AGE = b"age-encryption.org/"


def digest(stream, out=None):
    """sha256 of what a stream has; out: where it is written too."""
    found = hashlib.sha256()
    while True:
        block = stream.read(BLOCK)
        if not block:
            return found.hexdigest()
        found.update(block)
        if out:
            out.write(block)


def _entry(name, size):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def write(stream, manifest, small, snapshot):
    """small: {name: bytes}; snapshot: path of its file. The manifest comes first, with digests of all."""
    with open(snapshot, "rb") as file:
        parts = {SNAPSHOT: digest(file), **{name: hashlib.sha256(content).hexdigest() for name, content in small.items()}}
    head = json.dumps(dict(manifest, format=FORMAT, parts=parts), indent=1, sort_keys=True).encode("ascii")
    with gzip.GzipFile(fileobj=stream, mode="wb", compresslevel=6, mtime=0) as packed, tarfile.open(fileobj=packed, mode="w|") as tar:
        for name, content in ((MANIFEST, head), *sorted(small.items())):
            tar.addfile(_entry(name, len(content)), io.BytesIO(content))
        with open(snapshot, "rb") as file:
            tar.addfile(_entry(SNAPSHOT, os.path.getsize(snapshot)), file)


def read(path, snapshot=None):
    """(manifest, {name: bytes}) of an archive whose every digest is right. snapshot: file that its largest part is written to."""
    try:
        with open(path, "rb") as file:
            if file.read(len(AGE)) == AGE:
                raise ledger.Refused("the set is still encrypted: age --decrypt it where its key is, and give what comes out")
        with tarfile.open(path, mode="r|gz") as tar:
            return _parts(tar, snapshot)
    except (tarfile.TarError, zlib.error, EOFError, UnicodeDecodeError, gzip.BadGzipFile) as error:
        raise ledger.Refused("it is no set, or not all of one: %s" % error)


def _parts(tar, snapshot):
    small, found = {}, {}
    for entry in tar:
        if not entry.isreg() or entry.name in found or entry.name not in (MANIFEST, SNAPSHOT, *PLACES):
            raise ledger.Refused("it has %s, which no set has" % ascii(entry.name)[:80])
        if entry.name == SNAPSHOT:
            with open(snapshot or os.devnull, "wb") as out:
                found[entry.name] = digest(tar.extractfile(entry), out)
        elif entry.size > SMALL:
            raise ledger.Refused("its %s is too large" % entry.name)
        else:
            small[entry.name] = tar.extractfile(entry).read()
            found[entry.name] = hashlib.sha256(small[entry.name]).hexdigest()
    return _judged(small, found), {name: content for name, content in small.items() if name != MANIFEST}


def _judged(small, found):
    """The manifest, where all of it is there and as it was."""
    try:
        manifest = json.loads(small[MANIFEST].decode("ascii"))
        parts, version = dict(manifest["parts"]), manifest["format"]
    except (KeyError, TypeError, ValueError):
        raise ledger.Refused("it is no set: it does not say what it is of")
    if version != FORMAT:
        raise ledger.Refused("it is a set of another format (%s) than this version of the role knows (%d)" % (version, FORMAT))
    # without these there is nothing to go on from
    missing = sorted({SNAPSHOT, "policy/encryption.yaml", *["pki/" + one for one in AUTHORITIES]} - set(parts))
    wrong = sorted(set(missing) | {name for name in {*parts, *found} - {MANIFEST} if parts.get(name) != found.get(name)})
    if wrong:
        raise ledger.Refused("it is not as it was taken: %s" % ", ".join(wrong))
    return manifest
