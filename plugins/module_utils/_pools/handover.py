# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cloud that another tool deploys gets its options through that tool: files for its override tree, and the steps of the order NR-40.

of_cloud gives {deployment, config, stages: [{name, files: {path: text}}], gates: {name: gate}, steps: [step], back: step}. The files of a stage take the
place of those of the one before. A step is {n, stage, round, what, commands, gates, costs}, where the round is report for one host alone and its stage for all
at once; a gate {hosts, host, service, project, asks, wanted: {section: {option: value or lines}}, command, container or venv}, where host is None for what
all hosts of a service get. Whoever asks the gates in order knows where the work stands: the first step with one that does not hold is to be done now. The
step back takes all of it away again but for what cannot be undone.
"""

from __future__ import annotations

import json
import re
from collections import namedtuple

from .._compat.text import safe

MARKER = 'managed by sovereign.ai_stack: handover'
KOLLA, OSA = 'kolla', 'openstack_ansible'
# what a gate ends with where the release would refuse what is wanted, and where its service is not
_REFUSED, NOT_HERE = 2, 3
_COMPUTE = 'nova-compute'
_REPORT, _SWITCH, _LIMITS, _BACK = 'report', 'switch', 'limits', 'back'
_WHAT = {_SWITCH: 'ask for cards, on all services at once', _LIMITS: 'count by unified limits'}
_HOST = re.compile(r'^[A-Za-z0-9][A-Za-z0-9._-]*\Z')
# what a command can carry as it stands
_PLACE = re.compile(r'^[A-Za-z0-9_.+/-]+\Z')
# the other tool would render it
_TEMPLATE = re.compile(r'\{[{%#]')
# Nova counts by limits once every quota has one
_LAST = 'quota'
# a host that reported once does so for ever
_FOR_EVER = ('pci', 'report_in_placement')

# kolla: names of the service and of its containers (with _) in kolla-ansible, the first one is its group too; osa, unit: its group and its unit in
# OpenStack-Ansible
_Service = namedtuple('_Service', 'project kolla osa unit')
_SERVICES = {
    'nova-api': _Service('nova', ['nova-api'], 'nova_api_os_compute', 'nova-api-os-compute'),
    'nova-scheduler': _Service('nova', ['nova-scheduler'], 'nova_scheduler', 'nova-scheduler'),
    # with cells there is a conductor above theirs
    'nova-conductor': _Service('nova', ['nova-conductor', 'nova-super-conductor'], 'nova_conductor', 'nova-conductor'),
    _COMPUTE: _Service('nova', [_COMPUTE], 'nova_compute', _COMPUTE),
    'placement-api': _Service('placement', ['placement-api'], 'placement_api', 'placement-api'),
}


class NotHanded(Exception):
    """Why a cloud cannot be handed over, in one sentence."""


def of_cloud(deployment, settings, reporting, knobs=None, kept=None, carried=None):
    """The whole hand-over. settings, reporting: as the plan has them; reporting is {} where placement does not count cards.

    knobs: {cloud: its name, folder: where the hand-over lies, config: where the tool reads overrides, inventory (kolla), engine (kolla), playbooks
    (openstack_ansible)}; kept: lines of the site that stand beside ours, as of beside; carried: {host: lines of nova-compute, as hosts_of gives them} of hosts
    for which nothing is decided now: what they were told before stays.
    """
    if deployment not in _TOOLS:
        raise NotHanded('nothing is handed over to a deployment by %s; it is done for %s' % (safe(deployment), ' and '.join(sorted(_TOOLS))))
    ours, settings = settings, beside(settings, kept or {})
    _refuse_odd(settings)
    tool = _TOOLS[deployment](dict(_TOOLS[deployment].knobs, **knobs or {}))
    for name in ('folder', 'inventory', 'playbooks'):
        if not _PLACE.match(tool.knobs.get(name, '.')):
            raise NotHanded('%s has characters that a command does not carry as they stand' % safe(tool.knobs[name]))
    found = {'deployment': deployment, 'config': tool.knobs['config'], 'stages': [], 'gates': {}, 'steps': []}
    for name, values, alone in _stages(settings, beside(reporting, kept or {}, strict=False)):
        found['stages'].append({'name': name, 'files': tool.files(name, _with(values, carried))})
        for when, told, commands, asked, costs in _steps(tool, name, values, alone):
            gates = dict(_gate(tool, name, service, hosts, values) for service, hosts in asked)
            found['gates'].update(gates)
            found['steps'].append({'n': len(found['steps']) + 1, 'stage': name, 'round': when, 'what': told, 'commands': commands, 'gates': sorted(gates),
                                   'costs': costs})
    found['back'] = _back(tool, ours, kept or {}, found)
    return found


def hosts_of(settings):
    """{host: {section: {option: lines}}}: what each host of nova-compute gets alone."""
    return split(settings.get(_COMPUTE, {}))[1]


def _with(settings, carried):
    """Settings of nova-compute with lines of further hosts."""
    found = json.loads(json.dumps(settings))
    for host, sections in (carried or {}).items() if _COMPUTE in found else ():
        for section, name, lines in _values(sections):
            found[_COMPUTE].setdefault(section, {}).setdefault(name, {})[host] = lines
    return found


def _back(tool, settings, kept, found):
    """The last step of all, once nobody uses the cards any more: what cannot be undone stays, and lines of the site that stood beside ours. Single values
    cannot be told from the site's own, lines of ours can."""
    lines = _some(settings, lambda _section, _name, value: isinstance(value, (list, dict)))
    stays = _some(settings, lambda section, name, value: section == _LAST or (section, name) == _FOR_EVER or isinstance(value, (list, dict)))
    for service, sections in lines.items():
        for section, name, value in _values(sections):
            stays[service][section][name] = {host: [] for host in value} if isinstance(value, dict) else []
    stays = _some(beside(stays, kept), lambda _section, _name, value: any(value.values()) if isinstance(value, dict) else value)
    asked = [(service, tool.group(service)) for service in sorted(lines) if service != _COMPUTE] + [(_COMPUTE, host) for host in _hosts(lines)]
    gates = dict(_gate(tool, _BACK, service, hosts, lines, 'gone') for service, hosts in asked)
    found['stages'].append({'name': _BACK, 'files': tool.files(_BACK, stays)})
    found['gates'].update(gates)
    commands = [_put(tool, _BACK)] + tool.all(sorted({_SERVICES[service].project for service in settings}))
    return {'n': None, 'stage': _BACK, 'round': _BACK, 'what': 'take the options away', 'commands': commands, 'gates': sorted(gates),
            'costs': 'restart of these services'}


def _some(settings, wanted):
    """What is left of settings by wanted(section, option, value), without what is empty then."""
    found = {}
    for service, sections in settings.items():
        for section, name, value in _values(sections):
            if wanted(section, name, value):
                found.setdefault(service, {}).setdefault(section, {})[name] = value
    return found


def stands(gates, answers):
    """How a host stands to what it is asked for: {refused, differs, due, acts, services, failing}, as the role nova_pci_passthrough says it of a host of
    packages; services are those that answered, failing the names of gates that do not hold. answers: {name of a gate: (exit status, text)}."""
    # what all hosts of a service get says nothing on a host without it
    heard = {name: one for name, one in answers.items() if gates[name]['host'] or one[0] != NOT_HERE}
    said = {name: '%s: %s' % (gates[name]['service'], '; '.join(text.split('\n'))) for name, (code, text) in sorted(heard.items()) if code}
    refused = [said[name] for name in sorted(said) if heard[name][0] == _REFUSED]
    return {'refused': '\n'.join(refused) or None, 'differs': list(said.values()), 'due': [], 'acts': bool(said), 'failing': sorted(said),
            'services': sorted({gates[name]['service'] for name in heard})}


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
                for each in there.values() if isinstance(there, dict) else [[] if there is None else there]:
                    each += [line for line in lines if line not in each]
    return found


def _stages(settings, reporting):
    """(name, values, hosts that get them one by one), in the order of the plan."""
    now = {service: {section: values for section, values in sections.items() if section != _LAST} for service, sections in settings.items()}
    if reporting:
        yield _REPORT, {_COMPUTE: reporting[_COMPUTE]}, _hosts(settings)
    yield _SWITCH, {service: sections for service, sections in now.items() if sections}, []
    if now != settings:
        yield _LIMITS, settings, []


def _hosts(settings):
    return sorted(hosts_of(settings))


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


def _gate(tool, stage, service, hosts, values, asks=None):
    host = hosts if service == _COMPUTE else None
    name = '%s.%s' % (stage, service) + ('.' + host if host else '')
    about = {'hosts': hosts, 'host': host, 'service': service, 'project': _SERVICES[service].project, 'asks': asks or tool.asks,
             'wanted': of_host(values[service], host)}
    return name, dict(tool.place(service), command=tool.ask(hosts, name), **about)


def _put(tool, stage):
    return 'sh %s/put.sh %s' % (tool.knobs['folder'], stage)


def _steps(tool, stage, values, alone):
    """(round, what, commands, [(service, hosts)] to be asked, costs): hosts report one by one, then everybody is told at once. put.sh stands in each step: what
    is there already it brings again."""
    put = [_put(tool, stage)]
    for host in alone:
        yield _REPORT, 'let %s report its cards to placement' % host, put + tool.one(host), [(_COMPUTE, host)], 'one-way'
    if alone:
        yield _REPORT, 'gate: providers, totals and traits of each host equal the plan, and each server with cards has an allocation', [], [], None
    if stage == _REPORT:
        return
    if stage == _LIMITS:
        yield stage, 'gate: every default and every quota of a project has an equal limit, and each class its own', [], [], None
    asked = [(service, tool.group(service)) for service in sorted(values) if service != _COMPUTE] + [(_COMPUTE, host) for host in _hosts(values)]
    projects = sorted({_SERVICES[service].project for service in values})
    yield stage, _WHAT[stage], put + tool.all(projects), asked, 'one-way' if stage == _LIMITS else 'restart of these services'


class _Kolla:
    """nova.conf of a service is merged from the template, global.conf, nova.conf, nova/SERVICE.conf and nova/HOST/nova.conf, placement.conf likewise: an
    option of a later file takes the place of all its lines in earlier ones, and lines of one file add up.

    Source: ansible/action_plugins/merge_configs.py, ansible/roles/{nova,nova-cell,placement}/tasks/config.yml, ansible/nova.yml and
    kolla_ansible/ansible.py of kolla-ansible 15.6.0 to 22.2.0; tests/oracle/test_handover.py asks them.
    """

    knobs = {'cloud': 'main', 'folder': '.', 'config': '/etc/kolla/config', 'inventory': '/etc/kolla/inventory', 'engine': 'docker'}
    # our file takes the place of whatever is said elsewhere
    asks = 'exactly'

    def __init__(self, knobs):
        self.knobs = knobs

    def files(self, stage, settings):
        found = {}
        for service, sections in sorted(settings.items()):
            about, (common, own) = _SERVICES[service], split(sections)
            found.update(('%s/%s.conf' % (about.project, name), _ini(_mark(self, stage), common)) for name in (about.kolla if common else ()))
            found.update(('%s/%s/%s.conf' % (about.project, host, about.project), _ini(_mark(self, stage), mine)) for host, mine in own.items())
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

    knobs = {'cloud': 'main', 'folder': '.', 'config': '/etc/openstack_deploy', 'playbooks': '/opt/openstack-ansible/playbooks'}
    # what the site says in variables of its own stands beside it
    asks = 'there'
    _variables = {'nova': 'nova_nova_conf_overrides', 'placement': 'placement_placement_conf_overrides'}
    _combined = ("{{ [%s_site | default({}), %s | dict2items | selectattr('key', 'in', group_names) | map(attribute='value') | list, "
                 "%s[inventory_hostname] | default({})] | flatten | combine(recursive=True) }}")

    def __init__(self, knobs):
        self.knobs = knobs

    def files(self, stage, settings):
        """One file in every stage: what the site says in its own variables is read by nothing else."""
        found = {}
        for project, variable in sorted(self._variables.items()):
            mine = {_SERVICES[service].osa: split(sections) for service, sections in settings.items() if _SERVICES[service].project == project}
            groups, hosts = 'ai_stack_%s_groups' % project, 'ai_stack_%s_hosts' % project
            found[groups] = {group: _lines_as_keys(common) for group, (common, _own) in mine.items() if common}
            found[hosts] = {host: _lines_as_keys(own) for _common, owns in mine.values() for host, own in owns.items()}
            found[variable] = self._combined % (variable, groups, hosts)
        # JSON is YAML
        return {'user_ai_stack.yml': '%s\n%s\n' % (_mark(self, stage), json.dumps(found, indent=2, sort_keys=True))}

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
        return {'venv': _SERVICES[service].project, 'unit': _SERVICES[service].unit}


_TOOLS = {KOLLA: _Kolla, OSA: _Osa}


def _mark(tool, stage):
    """By this put.sh knows whose a file is, and how far the work is."""
    return '# %s of %s, stage %s' % (MARKER, tool.knobs['cloud'], stage)


def _ini(mark, sections):
    rows, last = [mark], None
    for section, name, value in _values(sections):
        rows += [] if section == last else ['[%s]' % section]
        rows += ['%s = %s' % (name, one) for one in (value if isinstance(value, list) else [value])]
        last = section
    return '\n'.join(rows) + '\n'


def _lines_as_keys(sections):
    return {section: {name: dict.fromkeys(value) if isinstance(value, list) else value for name, value in values.items()}
            for section, values in sections.items()}
