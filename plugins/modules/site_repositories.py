#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: site_repositories
short_description: Bring the repositories of a site to a host
description:
  - Writes each repository as a drop-in of its own, C(ai-stack-NAME), with its key and its login, in one call. Files that others wrote stay as they are.
  - On the controller an action plugin of the same name brings the keys along, keeps logins apart, and copies folders of packages.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  repositories:
    description:
      - Repositories as in C(ai_stack_repositories). Those that the package manager of the host cannot read are left out.
    type: list
    elements: dict
    required: true
  manager:
    description: Package manager of the host.
    type: str
    choices: [apt, dnf]
    required: true
  credentials:
    description:
      - JSON text that maps the name of a repository to its C(login) and C(password); the action plugin fills it in.
    type: str
attributes:
  check_mode:
    support: full
    description: Says what would be written.
  diff_mode:
    support: full
    description: Shows the text of each file, but for those with a password in them.
"""

EXAMPLES = r"""
- name: Bring the repositories of the site
  sovereign.ai_stack.site_repositories:
    repositories: "{{ ai_stack_repositories }}"
    manager: apt
"""

RETURN = r"""
written:
  description: Files that were written, or would be with C(--check).
  returned: always
  type: list
  elements: str
  sample: [/etc/apt/sources.list.d/ai-stack-kubernetes.sources]
"""

import os
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import credentials, repository_files

ARGUMENTS = {
    "repositories": {"type": "list", "elements": "dict", "required": True},
    "manager": {"type": "str", "choices": ["apt", "dnf"], "required": True},
    "credentials": {"type": "str", "no_log": True},
}


def there(path):
    """(bytes, mode) of a file; None: there is none."""
    try:
        with open(path, "rb") as stream:
            return stream.read(), stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
    except FileNotFoundError:
        return None


def shown(path, before, content, mode):
    """The difference for people; of a file that root alone may read, or might before, only that there is one."""
    if repository_files.ROOT_ALONE in (mode, before[1] if before else None):
        return {"before_header": path, "after_header": path, "before": "", "after": "(what it says is not shown)\n"}
    return {"before_header": path, "after_header": path, "before": before[0].decode("utf-8", "replace") if before else "",
            "after": content.decode("utf-8", "replace")}


def write(module, path, content, mode):
    """Whole or not at all, and never readable by others: Ansible's own move makes a new file readable for all, and mends it afterwards."""
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    handle, beside = tempfile.mkstemp(dir=folder, prefix=".ai-stack-")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        os.replace(beside, path)
    finally:
        if os.path.exists(beside):
            os.unlink(beside)
    if module.selinux_enabled():
        module.set_context_if_different(path, module.selinux_default_context(path), False)


def main():
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        rows, passwords = credentials.joined(module.params["repositories"], module.params["credentials"])
    except ValueError as error:
        module.fail_json(msg=str(error))
    module.no_log_values.update(passwords)
    wanted = {path: one for row in rows for path, one in repository_files.files(module.params["manager"], row).items()}
    before = {path: there(path) for path in wanted}
    differs = sorted(path for path, one in wanted.items() if before[path] != one)
    for path in differs if not module.check_mode else ():
        write(module, path, *wanted[path])
    diff = [shown(path, before[path], *wanted[path]) for path in differs] if module._diff else []
    module.exit_json(changed=bool(differs), written=differs, diff=diff, invocation={"module_args": {"manager": module.params["manager"]}})


if __name__ == "__main__":
    main()
