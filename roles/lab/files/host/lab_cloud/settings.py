# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the configuration files of a cloud say: main files only, where Debian's units look for them. Nothing here is about cards."""
from __future__ import annotations

import json

REGION = "RegionOne"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
# the tenants that tests need: two that are given something, one that is given nothing
TENANTS = ("research", "health", "stranger")
# service: (type in the catalog, port, path)
APIS = {"placement": ("placement", 8778, ""), "glance": ("image", 9292, ""), "nova": ("compute", 8774, "/v2.1"), "neutron": ("network", 9696, "")}
DATABASES = ("keystone", "placement", "glance", "neutron", "nova_api", "nova_cell0", "nova")
SECRETS = ("admin", "tenants", "services", "database", "messages")
SITE = """Listen 5000
<VirtualHost *:5000>
  SSLEngine on
  SSLCertificateFile /etc/ai-stack-lab/server.crt
  SSLCertificateKeyFile /etc/ai-stack-lab/server.key
  WSGIDaemonProcess keystone processes=2 threads=4 user=keystone group=keystone display-name=%{GROUP}
  WSGIProcessGroup keystone
  WSGIApplicationGroup %{GLOBAL}
  WSGIScriptAlias / /usr/bin/keystone-wsgi-public
  WSGIPassAuthorization On
  <Directory /usr/bin>
    Require all granted
  </Directory>
</VirtualHost>
"""


def keystone(address):
    return "https://%s:5000/v3" % address


def text(sections):
    return "\n".join("[%s]\n%s" % (name, "".join("%s = %s\n" % item for item in values.items())) for name, values in sections.items())


def _login(user, address, secrets):
    return {"auth_url": keystone(address), "auth_type": "password", "username": user, "password": secrets["services"], "user_domain_id": "default",
            "project_name": "service", "project_domain_id": "default", "region_name": REGION, "cafile": AUTHORITIES}


def _token(user, address, secrets):
    return {"www_authenticate_uri": keystone(address), **_login(user, address, secrets)}


def _database(name, secrets):
    return {"connection": "mysql+pymysql://lab:%s@127.0.0.1/%s" % (secrets["database"], name)}


def _messages(address, secrets):
    return {"transport_url": "rabbit://lab:%s@%s:5672/" % (secrets["messages"], address)}


def _nova(address, secrets):
    """What every service of Nova has, on the controller and on a compute."""
    login = _login("nova", address, secrets)
    return {
        "DEFAULT": {**_messages(address, secrets), "state_path": "/var/lib/nova"},
        "keystone_authtoken": _token("nova", address, secrets),
        "service_user": {"send_service_user_token": "true", **login},
        "placement": login, "glance": login, "neutron": login,
        # limits are those of the system, and of the endpoint of Nova
        "oslo_limit": {**{key: value for key, value in login.items() if not key.startswith(("project_", "region_"))}, "system_scope": "all",
                       "endpoint_service_type": APIS["nova"][0], "endpoint_region_name": REGION},
        "oslo_concurrency": {"lock_path": "/var/lock/nova"},
    }


def controller(address, secrets):
    """{path: (group that reads it, text)}"""
    nova = {
        **_nova(address, secrets), "api_database": _database("nova_api", secrets), "database": _database("nova", secrets), "conductor": {"workers": 1},
        "scheduler": {"workers": 1, "discover_hosts_in_cells_interval": 5},
    }
    keystone_file = {
        "DEFAULT": {"log_dir": "/var/log/keystone"}, "database": _database("keystone", secrets), "token": {"provider": "fernet"},
        "cache": {"enabled": "true", "backend": "dogpile.cache.memcached", "memcache_servers": "127.0.0.1:11211"},
        # passwords of a lab: twelve rounds would cost a quarter of a second for every login of a service
        "identity": {"password_hash_rounds": 4},
    }
    placement = {"placement_database": _database("placement", secrets), "keystone_authtoken": _token("placement", address, secrets)}
    glance = {
        "DEFAULT": {"enabled_backends": "fs:file"}, "database": _database("glance", secrets), "glance_store": {"default_backend": "fs"},
        "fs": {"filesystem_store_datadir": "/var/lib/glance/images"}, "paste_deploy": {"flavor": "keystone"},
        "oslo_concurrency": {"lock_path": "/var/lock/glance"}, "keystone_authtoken": _token("glance", address, secrets),
    }
    neutron = {
        "DEFAULT": {"core_plugin": "ml2", "service_plugins": "", **_messages(address, secrets), "notify_nova_on_port_status_changes": "false",
                    "notify_nova_on_port_data_changes": "false"},
        "database": _database("neutron", secrets), "oslo_concurrency": {"lock_path": "/var/lock/neutron"},
        "keystone_authtoken": _token("neutron", address, secrets),
    }
    ml2 = {"ml2": {"type_drivers": "flat,vlan,vxlan", "tenant_network_types": "vxlan", "mechanism_drivers": ""}, "ml2_type_vxlan": {"vni_ranges": "1:1000"}}
    # snapshot isolation: two logins of one user at once would end with "Record has changed since last read in table 'user'"
    mariadb = {"mysqld": {"innodb_snapshot_isolation": 0, "innodb_flush_log_at_trx_commit": 0, "innodb_doublewrite": 0, "max_connections": 400}}
    return {
        "/etc/mysql/mariadb.conf.d/99-lab.cnf": ("mysql", text(mariadb)),
        # the login is made at the first start: rabbitmqctl would want its password from a terminal or on the command line
        "/etc/rabbitmq/rabbitmq.conf": ("rabbitmq", "default_user = lab\ndefault_pass = %s\n" % secrets["messages"]),
        "/etc/apache2/sites-available/keystone.conf": ("root", SITE),
        "/etc/keystone/keystone.conf": ("keystone", text(keystone_file)),
        "/etc/placement/placement.conf": ("placement", text(placement)),
        "/etc/glance/glance-api.conf": ("glance", text(glance)),
        "/etc/neutron/neutron.conf": ("neutron", text(neutron)),
        "/etc/neutron/plugins/ml2/ml2_conf.ini": ("neutron", text(ml2)),
        "/etc/nova/nova.conf": ("nova", text(nova)),
    }


def compute(address, secrets):
    """ADDRESS is the controller's."""
    nova = _nova(address, secrets)
    # cards are seen at the next look, and a test does not wait a minute for it
    nova["DEFAULT"]["update_resources_interval"] = 5
    return {
        "/etc/nova/nova.conf": ("nova", text({**nova, "vnc": {"enabled": "false"}})),
        "/etc/nova/nova-compute.conf": ("nova", text({"DEFAULT": {"compute_driver": "lab_pci.LabDriver"}})),
    }


def databases(secrets):
    return "".join("CREATE DATABASE %s CHARACTER SET utf8mb3; GRANT ALL ON %s.* TO lab@'127.0.0.1' IDENTIFIED BY '%s';\n"
                   % (name, name, secrets["database"]) for name in DATABASES)


def clouds(address, secrets):
    """clouds.yaml: the administrator of the project and of the system, and one user of each tenant."""
    def entry(user, password, **scope):
        return {"region_name": REGION, "cacert": AUTHORITIES,
                "auth": {"auth_url": keystone(address), "username": user, "password": password, "user_domain_name": "Default", **scope}}

    def of_project(name):
        return {"project_name": name, "project_domain_name": "Default"}

    found = {"main": entry("admin", secrets["admin"], **of_project("admin")), "main-system": entry("admin", secrets["admin"], system_scope="all")}
    found.update({name: entry(name, secrets["tenants"], **of_project(name)) for name in TENANTS})
    return json.dumps({"clouds": found}, indent=1) + "\n"
