#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: accelerator_facts
short_description: Observe the accelerators of a host and everything that decides about their driver
description:
  - One round trip that reads what sysfs, procfs, the package database and the firmware say below a root, and asks the
    host's own tools with a time limit. It needs no gathered facts and nothing but Python on the host.
  - Changes nothing. Sources that a host does not have yet are tried in a scratch folder that is removed.
  - What cannot be known is null. A part that fails is an entry in C(errors) and never stops the others.
  - On the controller an action plugin of the same name adds the package sets of all distributions and the repositories
    of the site.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  root:
    description:
      - Folder that stands for C(/). Below any other folder than V(/) no program runs, so that a recorded tree can be
        read; what only a program could tell is null.
    type: path
    default: /
  distributions:
    description:
      - What may be installed, by distribution (V(debian_12), V(debian_12.5), V(debian), V(redhat_9)); the most exact name
        that fits the host is taken.
      - Each has C(sets), C(components), C(headers) and C(build_tools), as in the vars of the role C(gpu_driver).
    type: dict
    default: {}
  refusals:
    description:
      - What cards certainly do not take, as groups of PCI ids (C(ids), each vendor and device with a colon between them) with
        the driver branches that they refuse in the flavours C(open) and C(proprietary); null is every branch. Sets that no
        card of the host takes are not simulated. The action plugin fills it in.
    type: list
    elements: dict
    default: []
  repositories:
    description:
      - Repositories of the site, as in C(ai_stack_repositories), without login and password.
    type: list
    elements: dict
    default: []
  credentials:
    description:
      - JSON text that maps the name of a repository to its C(login) and C(password).
    type: str
  addresses:
    description:
      - PCI addresses of functions that are listed whatever they are, beside the accelerators; who shares an IOMMU group with one of them is listed too.
    type: list
    elements: str
    default: []
  decided:
    description:
      - Versions that are already decided, by set and by package; they are what is simulated.
    type: dict
    default: {}
  simulate:
    description:
      - Whether the package manager is asked what an installation of each set would do.
      - V(auto) asks only where no set is installed as a whole, at the decided or newest version.
      - Sets that no card of the host takes are never asked about, unless they are decided.
    type: str
    choices: [auto, always, never]
    default: auto
  installed:
    description:
      - Which installed packages are listed.
    type: str
    choices: [relevant, all]
    default: relevant
  programs:
    description:
      - Names of packages by the program that they bring, of a host that is to be a node of a cluster; the versions that its repositories have are listed.
      - The action plugin fills it in where the site has clusters.
    type: dict
    default: {}
  timeout:
    description:
      - Seconds that one program may take. A fetch of package lists may take four times as long.
    type: int
    default: 30
attributes:
  check_mode:
    support: full
    description: It never changes anything.
  diff_mode:
    support: none
    description: It never changes anything.
notes:
  - Supports C(check_mode).
"""

EXAMPLES = r"""
- name: Observe the accelerators of the host
  sovereign.ai_stack.accelerator_facts:
  register: result

- name: Read a recorded tree, running nothing
  sovereign.ai_stack.accelerator_facts:
    root: /srv/recorded/gpu1
  delegate_to: localhost
  register: result
"""

RETURN = r"""
observation:
  description: One document about the host, of schema C(sovereign.ai_stack/observation/1).
  returned: always
  type: dict
  sample:
    schema: sovereign.ai_stack/observation/1
    reachable: true
    kernel: {running: 6.1.0-56-amd64, next_boot: 6.1.0-56-amd64}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.hangup import leave_on_signals
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.host_document import observe
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import credentials

ARGUMENTS = {
    "root": {"type": "path", "default": "/"},
    "distributions": {"type": "dict", "default": {}},
    "refusals": {"type": "list", "elements": "dict", "default": []},
    "repositories": {"type": "list", "elements": "dict", "default": []},
    "credentials": {"type": "str", "no_log": True},
    "addresses": {"type": "list", "elements": "str", "default": []},
    "decided": {"type": "dict", "default": {}},
    "simulate": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
    "installed": {"type": "str", "choices": ["relevant", "all"], "default": "relevant"},
    "programs": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 30},
}


def options(module):
    """The options with the secrets in their places; a password is hidden wherever it might come out."""
    try:
        repositories, passwords = credentials.joined(module.params["repositories"], module.params["credentials"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.no_log_values.update(passwords)
    return dict(module.params, repositories=repositories)


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    leave_on_signals()
    module.exit_json(changed=False, observation=observe(options(module)), invocation={"module_args": {"root": module.params["root"]}})


if __name__ == "__main__":
    main()
