#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: module_trial
short_description: Find out whether a driver's kernel module compiles for a kernel, installing nothing
description:
  - Fetches the package that holds the module's source, and, where the host has none, the headers of the kernel, a
    compiler and make; unpacks them in a scratch folder, compiles there and removes the folder.
  - No package is installed or configured, and nothing changes below C(/usr/src), C(/lib/modules) or in DKMS. A run that
    is killed leaves nothing behind either. One whose connection or controller is gone ends within seconds, with its
    compilers.
  - A table of versions cannot answer this; kernel updates inside one stable release have broken modules.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  package:
    description:
      - Package with the source of the modules.
    type: str
    required: true
  version:
    description:
      - Its version; the newest one that the sources offer when it is not given.
    type: str
  kernel:
    description:
      - Kernel release to compile for; the one that boots next when it is not given.
    type: str
  mode:
    description:
      - V(full) compiles all modules.
      - V(quick) compiles the one file that most kernel updates break. Its V(failed) is certain, its V(built) counts as
        unknown.
    type: str
    choices: [quick, full]
    default: full
  keep:
    description:
      - Folder on the host for the modules that a full build made. Nothing is kept in check mode.
    type: path
  distributions:
    description:
      - As in M(sovereign.ai_stack.accelerator_facts); only C(components) are used. The action plugin fills it in.
    type: dict
    default: {}
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
  jobs:
    description:
      - Compilers at a time; V(0) is one for each processor.
    type: int
    default: 0
  timeout:
    description:
      - Seconds that the compilation may take; after that the result is V(not_tried).
    type: int
    default: 3600
attributes:
  check_mode:
    support: full
    description: The trial runs in check mode too, since it installs nothing; only O(keep) is left out.
  diff_mode:
    support: none
    description: There is nothing to compare.
"""

EXAMPLES = r"""
- name: Find out whether the closed module compiles for the kernel that boots next
  sovereign.ai_stack.module_trial:
    package: nvidia-kernel-dkms
  register: result

- name: Ask for a quick no about another kernel
  sovereign.ai_stack.module_trial:
    package: nvidia-open-kernel-dkms
    kernel: 6.1.0-56-cloud-amd64
    mode: quick
  register: result
"""

RETURN = r"""
trial:
  description: The result and what it holds for.
  returned: always
  type: dict
  sample:
    key: {suite: bookworm, kernel: 6.1.0-56-cloud-amd64, package: nvidia-kernel-dkms, version: 535.309.01-0+deb12u1, compiler: gcc 12.2.0}
    mode: full
    result: built
    errors: []
    seconds: 610
    host: gpu1
    at: "2026-11-25T19:00:00Z"
unpacked:
  description: What the host does not have and was unpacked beside it.
  returned: always
  type: list
  elements: str
  sample: [gcc, make, linux-headers-6.1.0-56-cloud-amd64]
modules:
  description: Names of the modules that were kept.
  returned: always
  type: list
  elements: str
  sample: [nvidia.ko, nvidia-uvm.ko]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.hangup import leave_on_signals
from ansible_collections.sovereign.ai_stack.plugins.module_utils._observe.trial_document import report
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import credentials

ARGUMENTS = {
    "package": {"type": "str", "required": True},
    "version": {"type": "str"},
    "kernel": {"type": "str"},
    "mode": {"type": "str", "choices": ["quick", "full"], "default": "full"},
    "keep": {"type": "path"},
    "distributions": {"type": "dict", "default": {}},
    "repositories": {"type": "list", "elements": "dict", "default": []},
    "credentials": {"type": "str", "no_log": True},
    "jobs": {"type": "int", "default": 0},
    "timeout": {"type": "int", "default": 3600},
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
    wanted = options(module)
    if module.check_mode:
        wanted["keep"] = None
    answer = report(wanted)
    module.exit_json(changed=bool(answer["modules"]), invocation={"module_args": {"package": module.params["package"]}}, **answer)


if __name__ == "__main__":
    main()
