#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors

from __future__ import annotations

DOCUMENTATION = r"""
module: plan
short_description: Plan a whole site once and write its reports
description:
  - Reads the C(ai_stack_*) variables of the site, what was observed of its hosts, the tables and the record, and decides for
    every host, or says every conflict at once.
  - Runs on the controller, once, over all hosts of the inventory. A limit narrows what is acted on, never what is planned.
  - Takes what the task before it registered as C(__ai_stack_observation); a host outside the limit or out of reach counts with
    what was seen of it last, or as unknown. With C(ai_stack_observations) it takes recorded files and no host is contacted.
  - Writes C(observations/), C(plan.json) and C(plan.html) to the report folder, in check mode too, since reports are what a plan is for.
  - Fails after writing when there is a conflict.
version_added: 0.1.0
author:
  - sovereign.ai_stack contributors (@sovereign)
options:
  mode:
    description:
      - V(plan) writes reports only and fails at any conflict.
      - V(deploy) takes the site lock, fails at conflicts of the site or of a host inside the limit, holds to C(ai_stack_plan) when
        that is given, and writes the record and each host's slice of the plan. Where it fails it gives the lock back.
    type: str
    choices: [plan, deploy]
    default: plan
  settled:
    description:
      - No trial build follows this plan, so a module that is not known to build is refused. Without it such a module is a warning.
    type: bool
    default: false
attributes:
  action:
    support: full
    description: All of it runs on the controller.
  bypass_host_loop:
    support: full
    description: It runs once for a play, whatever the number of hosts.
  check_mode:
    support: full
    description: Reports are written; the record and the site lock are not.
  diff_mode:
    support: full
    description: Shows what the record would become.
seealso:
  - module: sovereign.ai_stack.host_plan
  - module: sovereign.ai_stack.evidence
"""

EXAMPLES = r"""
- name: Plan the site
  sovereign.ai_stack.plan:
  delegate_to: localhost
  run_once: true

- name: Plan before hosts are changed
  sovereign.ai_stack.plan:
    mode: deploy
  delegate_to: localhost
  run_once: true
"""

RETURN = r"""
summary:
  description: Counts of hosts by state, changes, reboots, conflicts, warnings and waived conflicts.
  returned: always
  type: dict
  sample: {site: example, hosts: 20, states: {planned: 18, unknown: 2}, changes: 90, reboots: 18, conflicts: 0, warnings: 2, waived: 0}
reports:
  description:
    - Where the reports are. The conflicts are shown while the task runs and stand in C(plan.json).
    - C(values) are files with the values of the operators of clusters, which the site applies itself; it is there where a cluster gets one.
  returned: always
  type: dict
  sample: {plan_json: reports/example/plan.json, plan_html: reports/example/plan.html}
clusters:
  description: Clusters that a deploy makes, with their hosts and decided versions.
  returned: when a deploy is not refused
  type: list
  elements: dict
  sample: [{name: ai, hosts: [cp1, w1], kubernetes: 1.37.2, containerd: 2.4.2, sandbox: "registry.k8s.io/pause:3.10.2"}]
plan_sha256:
  description: Digest of C(plan.json).
  returned: always
  type: str
  sample: 4d7a9f...
"""
