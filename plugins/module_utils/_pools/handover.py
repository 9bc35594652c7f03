# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cloud that another tool deploys gets its options through that tool: files for its override tree, and the steps of the order NR-40.

of_cloud gives {deployment, config, stages: [{name, files: {path: text}}], gates: {name: gate}, steps: [step]}. The files of a stage take the place of those
of the one before. A step is {n, stage, what, commands, gates, costs}; a gate {hosts, service, project, wanted: {section: {option: value or lines}},
command, container or venv}. Whoever asks the gates in order knows where the work stands: the first step with one that does not hold is to be done now.
"""

from __future__ import annotations

import json
import re
from collections import namedtuple

from .._compat.text import safe

MARKER = 'managed by sovereign.ai_stack: handover'
KOLLA, OSA = 'kolla', 'openstack_ansible'
_COMPUTE = 'nova-compute'
_REPORT, _SWITCH, _LIMITS = 'report', 'switch', 'limits'
_WHAT = {_SWITCH: 'ask for cards, on all services at once', _LIMITS: 'count by unified limits'}
_HOST = re.compile(r'^[A-Za-z0-9][A-Za-z0-9._-]*$')
# the other tool would render it
_TEMPLATE = re.compile(r'\{[{%#]')
# Nova counts by limits once every quota has one
_LAST = 'quota'

# kolla: names of the service and of its containers (with _) in kolla-ansible, the first one is its group too; osa: its group in OpenStack-Ansible
_Service = namedtuple('_Service', 'project kolla osa')
_SERVICES = {
    'nova-api': _Service('nova', ['nova-api'], 'nova_api_os_compute'),
    'nova-scheduler': _Service('nova', ['nova-scheduler'], 'nova_scheduler'),
    # with cells there is a conductor above theirs
    'nova-conductor': _Service('nova', ['nova-conductor', 'nova-super-conductor'], 'nova_conductor'),
    _COMPUTE: _Service('nova', [_COMPUTE], 'nova_compute'),
    'placement-api': _Service('placement', ['placement-api'], 'placement_api'),
}


class NotHanded(Exception):
    """Why a cloud cannot be handed over, in one sentence."""


def of_cloud(deployment, settings, reporting, already=(), knobs=None):
    """The whole hand-over. settings, reporting: as the plan has them; reporting is {} where placement does not count cards.

    already: hosts that report their cards, by the record; with one of them the services ask for cards by now, and a further host gets all at once.
    knobs: {folder: where the hand-over lies, config: where the tool reads overrides, inventory (kolla), engine (kolla), playbooks (openstack_ansible)}.
    """
    if deployment not in _TOOLS:
        raise NotHanded('nothing is handed over to a deployment by %s; it is done for %s' % (safe(deployment), ' and '.join(sorted(_TOOLS))))
    _refuse_odd(settings)
    tool = _TOOLS[deployment](dict(_TOOLS[deployment].knobs, **knobs or {}))
    found = {'deployment': deployment, 'config': tool.knobs['config'], 'stages': [], 'gates': {}, 'steps': []}
    for name, values, alone in _stages(settings, reporting, already):
        found['stages'].append({'name': name, 'files': tool.files(values)})
        for told, commands, asked, costs in _steps(tool, name, values, alone):
            gates = dict(_gate(tool, name, service, hosts, values) for service, hosts in asked)
            found['gates'].update(gates)
            found['steps'].append({'n': len(found['steps']) + 1, 'stage': name, 'what': told, 'commands': commands, 'gates': sorted(gates), 'costs': costs})
    return found


def keys(settings):
    """[(section, option)] that are ours."""
    return sorted({(section, name) for sections in settings.values() for section, values in sections.items() for name in values})


def beside(settings, kept, strict=True):
    """Settings with lines of the site beside ours; kept: {service: {section: {option: lines}}}. strict: what has none of ours is refused, not left out."""
    found = json.loads(json.dumps(settings))
    for service, sections in kept.items():
        for section, values in sections.items():
            for name, lines in values.items():
                there = found.get(service, {}).get(section, {}).get(name)
                if not isinstance(there, (list, dict)) and strict:
                    raise NotHanded('[%s] %s of %s has no lines of ours beside which others could stand' % (safe(section), safe(name), safe(service)))
                for each in there.values() if isinstance(there, dict) else [there or []]:
                    each += [line for line in lines if line not in each]
    return found


def _stages(settings, reporting, already):
    """(name, values, hosts that get them one by one), in the order of the plan."""
    now = {service: {section: values for section, values in sections.items() if section != _LAST} for service, sections in settings.items()}
    hosts = [host for host in _hosts(settings) if host not in already] if reporting else []
    if hosts and not already:
        yield _REPORT, {_COMPUTE: reporting[_COMPUTE]}, hosts
    yield _SWITCH, {service: sections for service, sections in now.items() if sections}, hosts if already else []
    if now != settings:
        yield _LIMITS, settings, []


def _hosts(settings):
    return sorted(split(settings.get(_COMPUTE, {}))[1])


def _refuse_odd(settings):
    """A host that cannot be the name of a file, or a value that the tool would render."""
    for service, sections in sorted(settings.items()):
        if service not in _SERVICES:
            raise NotHanded('nobody knows where options of %s go' % safe(service))
        for section, name, value in _values(sections):
            odd = [host for host in value if not _HOST.match(host)] if isinstance(value, dict) else []
            if odd:
                raise NotHanded('the host %s has a name that cannot be that of a file' % safe(odd[0]))
            if _TEMPLATE.search(json.dumps(value)):
                raise NotHanded('[%s] %s of %s has what the other tool would take for a template' % (section, name, service))


def _values(sections):
    return [(section, name, value) for section, values in sorted(sections.items()) for name, value in sorted(values.items())]


def split(sections):
    """(what all hosts of a service get, {host: what it alone gets})."""
    common, own = {}, {}
    for section, name, value in _values(sections):
        if isinstance(value, dict):
            for host, lines in value.items():
                own.setdefault(host, {}).setdefault(section, {})[name] = lines
        else:
            common.setdefault(section, {})[name] = value
    return common, own


def of_host(sections, host):
    """What one host gets: {section: {option: value or lines}}."""
    common, own = split(sections)
    mine = own.get(host, {})
    return {section: dict(common.get(section, {}), **mine.get(section, {})) for section in sorted(set(common) | set(mine))}


def _gate(tool, stage, service, hosts, values):
    name = '%s.%s' % (stage, service) + ('.' + hosts if service == _COMPUTE else '')
    wanted = of_host(values[service], hosts if service == _COMPUTE else None)
    return name, dict(tool.place(service), hosts=hosts, service=service, project=_SERVICES[service].project, wanted=wanted, command=tool.ask(hosts, name))


def _steps(tool, stage, values, alone):
    """(what, commands, [(service, hosts)] to be asked, costs): hosts report one by one, then everybody is told at once."""
    put = ['sh %s/put.sh %s' % (tool.knobs['folder'], stage)]
    for host in alone:
        yield 'let %s report its cards to placement' % host, put + tool.one(host), [(_COMPUTE, host)], 'one-way'
        put = []
    if alone:
        yield 'gate: providers, totals and traits of each host equal the plan, and each server with cards has an allocation', [], [], None
    if stage == _REPORT:
        return
    if stage == _LIMITS:
        yield 'gate: every default and every quota of a project has an equal limit, and each class its own', [], [], None
    asked = [(service, tool.group(service)) for service in sorted(values) if service != _COMPUTE] + [(_COMPUTE, host) for host in _hosts(values)]
    projects = sorted({_SERVICES[service].project for service in values})
    yield _WHAT[stage], put + tool.all(projects), asked, 'one-way' if stage == _LIMITS else 'restart of these services'


class _Kolla:
    """nova.conf of a service is merged from the template, global.conf, nova.conf, nova/SERVICE.conf and nova/HOST/nova.conf, placement.conf likewise: an
    option of a later file takes the place of all its lines in earlier ones, and lines of one file add up.

    Source: ansible/action_plugins/merge_configs.py, ansible/roles/{nova,nova-cell,placement}/tasks/config.yml, ansible/nova.yml and
    kolla_ansible/ansible.py of kolla-ansible 15.6.0 to 22.2.0; tests/oracle/test_handover.py asks them.
    """

    knobs = {'folder': '.', 'config': '/etc/kolla/config', 'inventory': '/etc/kolla/inventory', 'engine': 'docker'}

    def __init__(self, knobs):
        self.knobs = knobs

    def files(self, settings):
        found = {}
        for service, sections in sorted(settings.items()):
            about, (common, own) = _SERVICES[service], split(sections)
            found.update(('%s/%s.conf' % (about.project, name), _ini(common)) for name in (about.kolla if common else ()))
            found.update(('%s/%s/%s.conf' % (about.project, host, about.project), _ini(mine)) for host, mine in own.items())
        return found

    def one(self, host):
        return ['kolla-ansible reconfigure -i %s --tags nova-cell --limit %s' % (self.knobs['inventory'], host)]

    def all(self, projects):
        return ['kolla-ansible reconfigure -i %s --tags %s' % (self.knobs['inventory'], ','.join(projects))]

    def ask(self, hosts, gate):
        return 'ansible -i %s %s -b -m ansible.builtin.script -a %s/gates/%s.sh' % (self.knobs['inventory'], hosts, self.knobs['folder'], gate)

    def group(self, service):
        return _SERVICES[service].kolla[0]

    def place(self, service):
        return {'engine': self.knobs['engine'], 'container': _SERVICES[service].kolla[0].replace('-', '_')}


class _Osa:
    """A host or container has one nova.conf, of a template and the dictionary nova_nova_conf_overrides; placement likewise. What a more specific group or
    the host says takes the place of the whole dictionary, and a file user_*.yml that of both; a folder group_vars/NAME hides the file NAME.yml beside it.
    So ours is one file of our own, which gives each host what its groups and itself get, beside what the site says in the variable with _site behind it.
    Lines of an option that may stand several times are the keys of a dictionary without values; a list would become one line with commas.

    Source: openstack/openstack-ansible-os_nova, openstack-ansible-os_placement, ansible-config_template (plugins/action/config_template.py) and
    openstack-ansible (scripts/openstack-ansible.sh, playbooks/, doc/source/reference/configuration/using-overrides.rst), read on 2026-11-26.
    """

    knobs = {'folder': '.', 'config': '/etc/openstack_deploy', 'playbooks': '/opt/openstack-ansible/playbooks'}
    _variables = {'nova': 'nova_nova_conf_overrides', 'placement': 'placement_placement_conf_overrides'}
    _combined = ("{{ [%s_site | default({}), %s | dict2items | selectattr('key', 'in', group_names) | map(attribute='value') | list, "
                 "%s[inventory_hostname] | default({})] | flatten | combine(recursive=True) }}")

    def __init__(self, knobs):
        self.knobs = knobs

    def files(self, settings):
        found = {}
        for project, variable in sorted(self._variables.items()):
            mine = {_SERVICES[service].osa: split(sections) for service, sections in settings.items() if _SERVICES[service].project == project}
            if mine:
                groups, hosts = 'ai_stack_%s_groups' % project, 'ai_stack_%s_hosts' % project
                found[groups] = {group: _lines_as_keys(common) for group, (common, _own) in mine.items() if common}
                found[hosts] = {host: _lines_as_keys(own) for _common, owns in mine.values() for host, own in owns.items()}
                found[variable] = self._combined % (variable, groups, hosts)
        # JSON is YAML
        return {'user_ai_stack.yml': '# %s\n%s\n' % (MARKER, json.dumps(found, indent=2, sort_keys=True))}

    def one(self, host):
        return [self._play('nova', ' --limit %s' % host)]

    def all(self, projects):
        at_once = {'nova': ' -e nova_conductor_serial=100% -e nova_compute_serial=100%'}
        return [self._play(project, at_once.get(project, '')) for project in projects]

    def _play(self, project, more):
        return 'cd %s && openstack-ansible os-%s-install.yml --tags %s-config%s' % (self.knobs['playbooks'], project, project, more)

    def ask(self, hosts, gate):
        return 'cd %s && ansible %s -m ansible.builtin.script -a %s/gates/%s.sh' % (self.knobs['playbooks'], hosts, self.knobs['folder'], gate)

    def group(self, service):
        return _SERVICES[service].osa

    def place(self, service):
        return {'venv': _SERVICES[service].project}


_TOOLS = {KOLLA: _Kolla, OSA: _Osa}


def _ini(sections):
    rows, last = ['# ' + MARKER], None
    for section, name, value in _values(sections):
        rows += [] if section == last else ['[%s]' % section]
        rows += ['%s = %s' % (name, one) for one in (value if isinstance(value, list) else [value])]
        last = section
    return '\n'.join(rows) + '\n'


def _lines_as_keys(sections):
    return {section: {name: dict.fromkeys(value) if isinstance(value, list) else value for name, value in values.items()}
            for section, values in sections.items()}
