# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""images.py OUT runtime | VERSION: images as the files of a registry that only answers, OUT/v2/NAME/{manifests,blobs}: one with busybox, or with VERSION those
of a cluster.

One layer each, from the programs in /bin-VERSION and /bin-all; kube-proxy brings the distribution's nft and iptables along. Their names are those that
kubeadm asks for, without the registry.
"""
from __future__ import annotations

import glob
import hashlib
import io
import json
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

MANIFEST, CONFIG, LAYER = ("application/vnd.oci.image.%s" % kind for kind in ("manifest.v1+json", "config.v1+json", "layer.v1.tar"))
PATH = "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
APPLETS = "sh sleep cat ls echo wget nslookup httpd nc ping env id hostname ps mkdir head true".split()
FOLDERS = {"tmp": 0o1777, "etc": 0o755, "run": 0o755, "var": 0o755}
TOOLBOX = "lab/toolbox:1"
# as the published image has it: else nft lists protocols by numbers, and a kube-proxy that starts again does not know its own rules, and deletes them
PROTOCOLS = b"icmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\nipv6-icmp 58 IPv6-ICMP\nsctp 132 SCTP\n"


class Registry:
    """What a registry keeps; what is there already stays."""

    def __init__(self, root):
        self.root = pathlib.Path(root) / "v2"

    def blob(self, name, data):
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        place = self.root / name / "blobs" / digest
        if not place.exists():
            write(place, data)
        return {"digest": digest, "size": len(data)}

    def image(self, reference, files, entrypoint=None, user=None):
        """files: {path: (bytes, mode) or the target of a link}; user: none is root."""
        name, _colon, tag = reference.rpartition(":")
        layer = self.blob(name, layer_of(files))
        starts = {"Env": [PATH], "Entrypoint": entrypoint, "WorkingDir": "/", **({"User": user} if user else {})}
        config = {"architecture": "amd64", "os": "linux", "config": starts, "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": dict(self.blob(name, json.dumps(config).encode()), mediaType=CONFIG),
                               "layers": [dict(layer, mediaType=LAYER)]}).encode()
        for key in (tag, "sha256:" + hashlib.sha256(manifest).hexdigest()):
            write(self.root / name / "manifests" / key, manifest)


def write(place, data):
    """Whole or not at all: what is there is never written again."""
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(place.name + ".new")
    beside.write_bytes(data)
    os.replace(beside, place)


def layer_of(files):
    out, made = io.BytesIO(), {}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in [*(name + "/x" for name in FOLDERS), *sorted(files)]:
            parts = path.strip("/").split("/")[:-1]
            for count in range(1, len(parts) + 1):
                folder = "/".join(parts[:count])
                if folder not in made:
                    made[folder] = tarfile.TarInfo(folder)
                    made[folder].type, made[folder].mode = tarfile.DIRTYPE, FOLDERS.get(folder, 0o755)
                    archive.addfile(made[folder])
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path.strip("/"))
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size, entry.mode = len(content[0]), content[1]
                archive.addfile(entry, io.BytesIO(content[0]))
    return out.getvalue()


def program(path):
    return pathlib.Path(path).read_bytes(), 0o755


def of_proxy(binary):
    """kube-proxy with nft, iptables and every library that they or their extensions load."""
    files = {"/usr/local/bin/kube-proxy": program(binary), "/etc/protocols": (PROTOCOLS, 0o644)}
    tools = ["/usr/sbin/xtables-nft-multi", "/usr/sbin/nft"]
    extensions = glob.glob("/usr/lib/*/xtables/*.so")
    files.update((path, program(path)) for path in tools + extensions)
    files.update(("/usr/sbin/" + name + end, "xtables-nft-multi") for name in ("iptables", "ip6tables") for end in ("", "-save", "-restore"))
    return {**files, **libraries(*tools, *extensions)}


def libraries(*binaries):
    """Every library that they load, and what loads it."""
    said = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    return {path: program(os.path.realpath(path)) for path in sorted(set(re.findall(r"(/\S+\.so\S*) \(", said)))}


def of_pause(source):
    with tempfile.TemporaryDirectory() as work:
        subprocess.run(["gcc", "-Os", "-static", "-s", "-o", work + "/pause", source], check=True)
        return {"/pause": program(work + "/pause")}


def of_cluster(registry, version):
    own, every = "/bin-%s/" % version, "/bin-all/"
    # with a version it does not ask the net for the newest
    asked = subprocess.run([own + "kubeadm", "config", "images", "list", "--kubernetes-version", "v" + version], check=True, capture_output=True, text=True)
    names = {line.rpartition(":")[0].rpartition("/")[2]: line.partition("/")[2] for line in asked.stdout.split()}
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler"):
        registry.image(names[name], {"/usr/local/bin/" + name: program(own + name)}, ["/usr/local/bin/" + name])
    registry.image(names["kube-proxy"], of_proxy(own + "kube-proxy"), ["/usr/local/bin/kube-proxy"])
    registry.image(names["etcd"], {"/usr/local/bin/" + name: program(every + name) for name in ("etcd", "etcdctl", "etcdutl")})
    registry.image(names["coredns"], {"/coredns": program(every + "coredns")}, ["/coredns"])
    registry.image(names["pause"], of_pause(str(pathlib.Path(__file__).with_name("pause.c"))), ["/pause"])


def busybox(*names):
    return {"/bin/busybox": program("/bin/busybox"), **{"/bin/" + name: "busybox" for name in names}}


def main(out, what):
    registry = Registry(out)
    if what == "runtime":
        registry.image(TOOLBOX, busybox(*APPLETS))
    else:
        of_cluster(registry, what)


if __name__ == "__main__":
    main(*sys.argv[1:])
