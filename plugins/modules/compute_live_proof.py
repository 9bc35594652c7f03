#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: compute_live_proof
short_description: Boot servers from a flavor as its tenant does, and tell what came of it
description:
  - Asks for servers of a flavor with the login of a tenant, one after another, until one is refused or fails or there are O(count). Tells for each the host,
    and the cards that Placement allocated to it; then takes all of them away.
  - Ask for one more than the tenant may have, and it tells what happens then.
  - Servers that a run left behind which was cut off are known by their names, which begin with C(ai-stack-live-proof-), and go first.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
extends_documentation_fragment:
  - sovereign.ai_stack.cloud
attributes:
  check_mode:
    description: Asks for no server, and takes none away.
    support: full
  diff_mode:
    description: Nothing stays changed.
    support: none
options:
  login:
    description:
      - Entry of C(clouds.yaml) with the login of the tenant. O(cloud) is an administrator's, who sees hosts and allocations.
    type: str
    required: true
  flavor:
    description:
      - Name of the flavor.
    type: str
    required: true
  count:
    description:
      - How many servers to ask for.
    type: int
    default: 1
  image:
    description:
      - Name of the image that the servers boot from. The tenant has to see exactly one of that name.
    type: str
    required: true
  networks:
    description:
      - V(none), V(auto), or ids of networks with commas between them.
    type: str
    default: none
  wait:
    description:
      - Seconds until a server runs, or is gone.
    type: int
    default: 300
seealso:
  - module: sovereign.ai_stack.pci_view_info
"""

EXAMPLES = r"""
- name: See two servers of the tenant with cards, and a third one refused
  sovereign.ai_stack.compute_live_proof:
    cloud: main
    login: research
    flavor: research.1x.16c.192g.100d
    count: 3
    image: debian-13
  register: proof
"""

RETURN = r"""
seen:
  description: Whether the tenant sees the flavor.
  returned: success
  type: bool
  sample: true
servers:
  description: Those that were asked for and not refused at once. C(cards) are the allocations beside that of the host itself.
  returned: success
  type: list
  elements: dict
  sample:
    - {status: ACTIVE, project: 9f8e, host: compute1, cards: {"compute1_0000:17:00.0": {CUSTOM_RESEARCH: 1}}, fault: null}
    - {status: ERROR, project: 9f8e, host: null, cards: {}, fault: No valid host was found.}
refused:
  description: How Nova refused the next one, null where it refused none.
  returned: success
  type: dict
  sample: {status: 403, says: "Cloud research: compute answers 403 to POST /servers: Quota exceeded"}
at:
  description: When it was over, as UTC time.
  returned: success
  type: str
  sample: "2026-11-02T08:00:00Z"
calls:
  description: Requests that were made with both logins, beside login and discovery.
  returned: success
  type: int
  sample: 12
"""

import datetime
import time
from urllib.parse import quote

from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import work
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud.session import CloudError

ARGUMENTS = {
    "login": {"type": "str", "required": True},
    "flavor": {"type": "str", "required": True},
    "count": {"type": "int", "default": 1},
    "image": {"type": "str", "required": True},
    "networks": {"type": "str", "default": "none"},
    "wait": {"type": "int", "default": 300},
}
# what a try that was cut off left behind is known by it
PREFIX = "ai-stack-live-proof-"
_PAUSE = 2
_OVER = frozenset(("ACTIVE", "ERROR"))
_FORBIDDEN = 403


class Try:
    """tenant, admin: sessions of the one who has the server, and of one who may see hosts and allocations; wait: seconds for each step."""

    def __init__(self, tenant, admin, image, networks, wait):
        self.tenant, self.admin, self.image, self.networks, self.wait = tenant, admin, image, networks, wait

    def sees(self, flavor):
        """The id of a flavor as the tenant sees it; None: he does not."""
        return next((one["id"] for one in self.tenant.listed("compute", "/flavors", "flavors") if one["name"] == flavor), None)

    def run(self, flavor, count):
        """{seen, servers: [{status, project, host, cards, fault}], refused: {status, says} or None}; whatever ends it, the servers go first."""
        found, why = {"seen": False, "servers": [], "refused": None}, []
        self.clear(why)
        identity = self.sees(flavor)
        found["seen"] = identity is not None
        try:
            for at in range(count if not why and found["seen"] else 0):
                if not self._ask(identity, at, found):
                    break
        except CloudError as error:
            why.append(str(error))
        self.clear(why)
        if why:
            raise CloudError("\n".join(dict.fromkeys(why)))
        return found

    def _image(self):
        rows = self.tenant.get("image", "/images?name=%s" % quote(self.image, safe=""))["images"]
        if len(rows) != 1:
            raise CloudError("%s: the tenant sees %d images named %s; one is needed." % (self.tenant.name, len(rows), self.image))
        return rows[0]["id"]

    def _ask(self, flavor, at, found):
        """Whether there is a server now, so that one more can be asked for."""
        networks = self.networks if self.networks in ("none", "auto") else [{"uuid": one.strip()} for one in self.networks.split(",")]
        body = {"server": {"name": "%s%d" % (PREFIX, at), "flavorRef": flavor, "imageRef": self._image(), "networks": networks}}
        try:
            identity = self.tenant.post("compute", "/servers", body)["server"]["id"]
        except CloudError as error:
            if error.status != _FORBIDDEN:
                raise
            found["refused"] = {"status": error.status, "says": str(error)}
            return False
        row = self._settled(identity)
        fault = (row.get("fault") or {}).get("message")
        seen = {"status": row["status"], "project": row.get("tenant_id"), "host": row.get("OS-EXT-SRV-ATTR:host"), "fault": fault}
        found["servers"].append({**seen, "cards": self._cards(identity)})
        return row["status"] == "ACTIVE"

    def _settled(self, identity):
        end = time.monotonic() + self.wait
        while True:
            row = self.admin.get("compute", "/servers/%s" % identity)["server"]
            if row["status"] in _OVER or time.monotonic() >= end:
                return row
            time.sleep(_PAUSE)

    def _cards(self, server):
        """{provider: {class: count}} of what is allocated beside the host itself, which has the processors."""
        given = self.admin.get("placement", "/allocations/%s" % server)["allocations"]
        rows = {uuid: one["resources"] for uuid, one in given.items() if "VCPU" not in one["resources"] and "PCPU" not in one["resources"]}
        return {self.admin.get("placement", "/resource_providers/%s" % uuid)["name"]: resources for uuid, resources in sorted(rows.items())}

    def clear(self, why):
        """Take away every server of such a try, of this one or of one that was cut off; why gets sentences on those that stay."""
        end, asked, refused = time.monotonic() + self.wait, set(), []
        while True:
            try:
                mine = [one for one in self.tenant.listed("compute", "/servers?name=%s" % quote("^" + PREFIX, safe=""), "servers")
                        if one["name"].startswith(PREFIX)]  # fmt: skip
            except CloudError as error:
                mine, refused = None, [str(error)]
            for one in [one for one in mine or () if one["id"] not in asked]:
                try:
                    self.tenant.delete("compute", "/servers/%s" % one["id"])
                    asked.add(one["id"])
                except CloudError as error:
                    # the others go all the same, and this one is asked for again
                    refused.append(str(error))
            if mine == []:
                return
            if time.monotonic() >= end:
                names = "servers" if mine is None else ", ".join(sorted(one["name"] for one in mine))
                why += ["%s: %s did not go within %d seconds." % (self.tenant.name, names, self.wait), *refused]
                return
            time.sleep(_PAUSE)


def proven(admin, module):
    given = module.params
    tenant = work.connect(given["login"], given["region"], given["interface"], given["timeout"])
    one = Try(tenant, admin, given["image"], given["networks"], given["wait"])
    if module.check_mode:
        found = {"seen": one.sees(given["flavor"]) is not None, "servers": [], "refused": None}
    else:
        found = one.run(given["flavor"], given["count"])
    admin.calls += tenant.calls
    return {**found, "at": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}


def main():
    module = work.start(ARGUMENTS)
    work.observe(module, lambda session: proven(session, module))


if __name__ == "__main__":
    main()
