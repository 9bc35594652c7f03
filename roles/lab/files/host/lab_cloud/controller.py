# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The controller, from fresh packages to APIs that answer."""
from __future__ import annotations

import json
import secrets as random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import catalog, release, settings, steps

FOLDER = Path("/etc/ai-stack-lab")
TLS = """[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[server]
subjectAltName = IP:%s,DNS:localhost
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""
KEYS = ("--keystone-user", "keystone", "--keystone-group", "keystone")
# service: the commands that make its tables, run as its user, in this order
TABLES = {
    "placement": ["placement-manage db sync"],
    "glance": ["glance-manage db_sync"],
    "neutron": ["neutron-db-manage --config-file /etc/neutron/neutron.conf --config-file /etc/neutron/plugins/ml2/ml2_conf.ini upgrade heads"],
    # without addresses on the command line: Nova takes those of its own file
    "nova": ["nova-manage api_db sync", "nova-manage cell_v2 map_cell0", "nova-manage cell_v2 create_cell --name=cell1", "nova-manage db sync"],
}
SERVICES = ("placement-api", "glance-api", "neutron-api", "nova-api", "nova-conductor", "nova-scheduler")
BEGUN = time.monotonic()


def lap(what):
    print("%6.1f s %s" % (time.monotonic() - BEGUN, what), flush=True)


def set_up(address):
    secrets = {name: random.token_urlsafe(24) for name in settings.SECRETS}
    _certificate(address)
    steps.write_all(settings.controller(address, secrets))
    steps.write("/root/.config/openstack/clouds.yaml", settings.clouds(address, secrets), mode=0o600)
    with ThreadPoolExecutor(4) as pool:
        messages = pool.submit(steps.run, "systemctl", "enable", "--quiet", "--now", "rabbitmq-server", "memcached")
        steps.run("systemctl", "enable", "--quiet", "--now", "mariadb")
        steps.run("mariadb", stdin=settings.databases(secrets))
        lap("databases are there")
        tables = [pool.submit(_tables, service) for service in ("nova", "neutron", "placement", "glance")]
        _keystone(address, secrets)
        for one in (messages, *tables):
            one.result()
    lap("tables are there")
    release.set_up("placement-api", "nova-api", "nova-conductor", "nova-scheduler")
    steps.run("systemctl", "enable", "--quiet", "--now", *map(release.unit, SERVICES))
    catalog.stock()
    shared = {"controller": address, "authority": steps.AUTHORITY.read_text(), "secrets": {name: secrets[name] for name in ("services", "messages")}}
    steps.write("/var/lib/ai-stack-lab/cloud.json", json.dumps(shared), mode=0o600)
    lap("APIs answer")


def _certificate(address):
    """An authority of this lab alone, and one certificate by it; Python wants the authority to say what its key is for."""
    FOLDER.mkdir(mode=0o700, exist_ok=True)
    steps.write(FOLDER / "tls.cnf", TLS % address)

    def certify(name, subject, section, *signed_by):
        steps.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-config", str(FOLDER / "tls.cnf"), "-extensions", section,
                  "-subj", "/CN=" + subject, "-keyout", str(FOLDER / (name + ".key")), "-out", str(FOLDER / (name + ".crt")), *signed_by)

    certify("ca", "Lab authority", "authority")
    certify("server", address, "server", "-CA", str(FOLDER / "ca.crt"), "-CAkey", str(FOLDER / "ca.key"))
    steps.trust((FOLDER / "ca.crt").read_text())


def _keystone(address, secrets):
    for name in ("fernet", "credential"):
        steps.run("install", "-d", "-o", "keystone", "-g", "keystone", "-m", "700", "/etc/keystone/%s-keys" % name)
    steps.run("keystone-manage", "db_sync", user="keystone")
    steps.run("keystone-manage", "fernet_setup", *KEYS)
    steps.run("keystone-manage", "credential_setup", *KEYS)
    places = [word for kind in ("admin", "public", "internal") for word in ("--bootstrap-%s-url" % kind, settings.keystone(address))]
    steps.run("keystone-manage", "bootstrap", *places, "--bootstrap-region-id", settings.REGION, user="keystone", OS_BOOTSTRAP_PASSWORD=secrets["admin"])
    steps.run("a2ensite", "-q", "keystone")
    steps.run("systemctl", "enable", "--quiet", "--now", "apache2")
    catalog.fill(address, secrets)
    lap("Keystone answers and has its catalog")


def _tables(service):
    for command in TABLES[service]:
        steps.run(*command.split(), user=service)
