# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A published release of Nova and Placement in place of the distribution's packages: a Python environment of its own, under units of its own.

Its units read the same folders and write the same logs as Debian's. Where the image has no such environment nothing here does anything."""
from __future__ import annotations

from pathlib import Path

from . import steps

HOME = Path("/opt/openstack")
# service: (user, application, port)
APIS = {"nova-api": ("nova", "nova.wsgi.osapi_compute", 8774), "placement-api": ("placement", "placement.wsgi.api", 8778)}
# service: the files that it is started with, as Debian's units name them
DAEMONS = {"nova-conductor": ["nova"], "nova-scheduler": ["nova"], "nova-compute": ["nova", "nova-compute"]}
UNIT = """[Unit]
Description=%(name)s of the release in %(home)s
After=network.target mariadb.service rabbitmq-server.service memcached.service apache2.service

[Service]
User=%(user)s
# a reboot takes what is below /run; the rest went with the packages
ExecStartPre=+/usr/bin/install -d -o %(user)s -g %(user)s /var/lock/%(user)s /var/log/%(user)s /var/lib/%(user)s
ExecStart=%(command)s
Restart=on-failure
TimeoutStopSec=60

[Install]
WantedBy=multi-user.target
"""
INI = """[uwsgi]
http-socket = :%d
master = true
processes = 2
enable-threads = true
lazy-apps = true
need-app = true
die-on-term = true
buffer-size = 65535
; it keeps no connection, and a client that was not told so loses its next request
add-header = Connection: close
; threads of Nova do not end by themselves
reload-mercy = 3
worker-reload-mercy = 3
virtualenv = %s
module = %s:application
logto = /var/log/%s/%s.log
"""


def unit(service):
    """The name of the unit of a service on this host."""
    return "openstack-" + service if HOME.exists() and service in (*APIS, *DAEMONS) else service


def packages():
    """Where the packages of Nova are that run here."""
    return next(HOME.glob("lib/python3*/site-packages"), Path("/usr/lib/python3/dist-packages"))


def files(services):
    """{path: (group that reads it, text)}"""
    found = {}
    for name in services:
        if name in APIS:
            user, application, port = APIS[name]
            ini = "/etc/%s/openstack-%s.ini" % (user, name)
            command = "%s/bin/uwsgi --ini %s" % (HOME, ini)
            found[ini] = (user, INI % (port, HOME, application, user, name))
        else:
            user, named = "nova", "".join(" --config-file=/etc/nova/%s.conf" % one for one in DAEMONS[name])
            command = "%s/bin/%s%s --log-file=/var/log/nova/%s.log" % (HOME, name, named, name)
        found["/etc/systemd/system/openstack-%s.service" % name] = ("root", UNIT % {"name": name, "home": HOME, "user": user, "command": command})
    return found


def set_up(*services):
    if not HOME.exists():
        return
    steps.write_all(files(services))
    if "nova-api" in services:
        steps.write("/etc/nova/api-paste.ini", (HOME / "etc/nova/api-paste.ini").read_text(), "nova")
    steps.run("systemctl", "daemon-reload")
