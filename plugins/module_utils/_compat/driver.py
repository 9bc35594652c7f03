# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver of a host: the best candidate that no rule objects to, or every objection at once."""

from __future__ import annotations

import re

from . import fabric, rules_build, rules_card, rules_host, rules_package, rules_policy, versions
from .candidates import DISTRIBUTION, Candidate, holds
from .register import entry, of
from .text import listed, safe

# Importing them fills the register.
RULES = (fabric, rules_build, rules_card, rules_host, rules_package, rules_policy)
# Where a card takes both flavours the vendor's own default comes first.
_FLAVOURS = ('open', 'in_kernel', 'proprietary')
_TRIALS = ('ACC-30', 'ACC-31', 'ACC-33')
# Names without a full release number follow the newest kernel.
_KERNEL_META = re.compile(r'(linux-(image|headers|generic|virtual|nvidia|oem)(?!.*\d\.\d+\.\d)|kernel(-core|-devel|-modules|-modules-core)?$)')
_PINNED = 'the versions that the package manager would install'


class Outcome:
    """What was decided for a case, or why nothing could be."""

    def __init__(self):
        self.candidate, self.decisions, self.conflicts, self.warnings, self.waived = None, [], [], [], []

    def decide(self, subject, value, because, rule=None, source=None):
        self.decisions.append({'subject': subject, 'value': value, 'because': because, 'rule': rule, 'source': source})


def _sorted_out(case, found, outcome):
    """Share objections out: a conflict, a warning, or waived by somebody."""
    for identity, objection in found:
        row = entry(case.index, identity, objection)
        row['path'] = row['path'] or 'ai_stack_driver'
        waiver = next((case.waived[name] for name in case.index.waivable_by(identity) if name in case.waived), None)
        if waiver:
            outcome.waived.append(dict(row, approver=waiver['approver'], until=str(waiver['until'])))
        else:
            (outcome.warnings if objection.warns else outcome.conflicts).append(row)


def _judge(candidate, case):
    judged = Outcome()
    judged.candidate = candidate
    _sorted_out(case, [(identity, objection) for identity, function in of('candidate', case.index.enforced)
                       for objection in function(candidate, case)], judged)
    return judged


def _asked(candidate, case):
    """Whether a candidate is what the site asked for, whatever the rules think of it."""
    policy, build = case.policy['policy'], case.policy['build']
    if policy not in ('production', 'newest') and policy not in (candidate.branch, candidate.version, candidate.package_version) and candidate.module:
        return False
    if case.policy['flavour'] not in ('auto', candidate.flavour) and candidate.flavour != 'in_kernel':
        return False
    if case.policy['source'] not in (None, candidate.source) and candidate.set:
        return False
    if candidate.shipped:
        return build == 'packaged'
    return build in (None, candidate.build) or not candidate.module


def _kept(candidate, case):
    """Whether a candidate is what the record says; without a record every one is."""
    return not case.record or (candidate.set, candidate.package_version) == (case.record.get('set'), case.record.get('package_version'))


def _rank(judged, case):
    """Lower is better: nobody had to waive anything, known to build, its fabric manager at hand, preferred flavour, newest."""
    one = judged.candidate
    built = 0 if case.built(one)[0] == 'built' else 1
    newest = tuple(-part for part in versions.driver(one.version)) + (1,)
    flavour = _FLAVOURS.index(one.flavour) if one.flavour in _FLAVOURS else len(_FLAVOURS)
    paired = 0 if one.has_equal('fabric_manager') else 1
    if case.policy['policy'] == 'newest':
        return bool(judged.waived), newest, built, paired, flavour, one.set or ''
    return bool(judged.waived), built, paired, flavour, newest, one.set or ''


def _adopted(case):
    """What somebody else installed, as a candidate: it is left alone, and judged like any other."""
    for owner in case.foreign if case.policy['foreign'] == 'adopt' else ():
        if owner.get('version'):
            module = (case.installed_kernel.get('modules') or {}).get('nvidia') or (case.driver.get('loaded') or {}).get('nvidia') or {}
            yield Candidate(vendor=case.vendor, version=versions.upstream(owner['version']), flavour=module.get('flavour'), build='packaged',
                            source=owner.get('kind'), parts={part: (None, [(case.driver.get(part) or {}).get('version')] if case.driver.get(part) else [])
                                                             for part in ('fabric_manager', 'imex', 'nvlsm')})


def _needs(case):
    for identity, function in of('need', case.index.enforced):
        for need in function(case):
            case.needs.setdefault(need.part, need._replace(rule=identity))


def decide(case):
    """The outcome of a case."""
    outcome = Outcome()
    _needs(case)
    _sorted_out(case, [(identity, objection) for identity, function in of('host', case.index.enforced) for objection in function(case)], outcome)
    offered = list(_adopted(case)) or case.offered
    wanted = [one for one in offered if _asked(one, case)]
    kept = [one for one in wanted if _kept(one, case)]
    judged = [_judge(one, case) for one in kept]
    good = [one for one in judged if not one.conflicts]
    if good:  # even where the host itself is refused: what comes after, such as MIG layouts, is looked at too
        _take(outcome, min(good, key=lambda one: _rank(one, case)), case)
    elif case.offered or not outcome.conflicts:
        _refuse(outcome, case, wanted, judged)
    return outcome


def _take(outcome, best, case):
    outcome.candidate = best.candidate
    outcome.warnings += best.warnings
    outcome.waived += best.waived
    _describe(outcome, case)


def _refuse(outcome, case, wanted, judged):
    """Every distinct objection to what was asked for; what there is, when nothing here is that."""
    if judged:
        near = _near(judged, case)
        absent = [one for one in near if all(row['rule'] == 'ACC-26' for row in one.conflicts)]
        merged = [_absent(absent, case)] if len(absent) > 1 else []
        said = [one for one in near if not merged or one not in absent]
        rows = [row for one in said for row in one.conflicts] + merged
        _others(outcome, [one for one in judged if one not in said])
    elif wanted:
        rows = [_not_as_recorded(case, wanted)]
    else:
        rows = [_nothing_matches(case)]
    for row in rows:
        if row not in outcome.conflicts:
            outcome.conflicts.append(row)


def _near(judged, case):
    """The refused candidates to speak of: those that a waiver can free with the fewest rules waived, or else all of them."""
    free = [one for one in judged if all(case.index.waivable_by(row['rule']) for row in one.conflicts)]
    fewest = min((len({row['rule'] for row in one.conflicts}) for one in free), default=None)
    return [one for one in free if len({row['rule'] for row in one.conflicts}) == fewest] or judged


def _absent(judged, case):
    """Sets that only lack packages have one cause, however many there are."""
    missing = sorted({name for one in judged for name in one.candidate.missing})
    said = 'no repository of this host has all packages of any of these sets: %s; it lacks %s'
    return dict(judged[0].conflicts[0], path=case.path('source'),
                message=said % (listed(sorted(one.candidate.name for one in judged)), listed(missing, 12)))


def _others(outcome, others):
    """The rest of what the host is offered, so that nobody has to try it: one line each would drown what matters."""
    if others:
        value = {judged.candidate.name: sorted({row['rule'] for row in judged.conflicts}) for judged in others}
        outcome.decide('driver.candidates', value, 'what else is offered here, and the rules that refuse it')


def _conflict(case, identity, path, message, nearest, source=None):
    return {'rule': identity, 'host': None, 'path': path, 'message': message, 'nearest': nearest, 'source': source or case.index.source(identity)}


def _not_as_recorded(case, wanted):
    """A run keeps what the record says; only a person who edits the record moves it."""
    there = any(_kept(one, case) for one in case.offered)
    what = '%s of %s' % (safe(case.record.get('package_version')), safe(case.record.get('set')))
    why = 'and the settings of the driver ask for another one' if there else 'which cannot be had here any more'
    return _conflict(case, 'RECORD', case.path('policy'), 'the record keeps %s, %s' % (what, why),
                     'settings that ask for it, or the driver of the host taken out of the record (ai_stack.lock.yml), to get one of: %s' % listed(
                         sorted({one.name for one in wanted}, reverse=True)))


def _nothing_matches(case):
    """The site asked for what no repository of the host offers: say which choice shuts everything out, and what there is."""
    here = case.offers(lambda one: one.version, 'nothing that this host is offered would do')
    for key in ('policy', 'flavour', 'build', 'source'):
        if any(_asked(one, _only(case, key)) for one in case.offered):
            continue
        row = _renamed(case) if key == 'policy' else None
        if row:
            return _conflict(case, 'ACC-10a', case.path(key), 'there is no branch %s here: %s installs %s' % (
                safe(case.policy[key]), row['package'], row['installs']), 'branch %s' % row['installs_branch'], case.index.source('ACC-10a', row))
        again = 'observe again, if that repository was named after this host was looked at; ' if key == 'source' else ''
        return _conflict(case, 'ACC-26', case.path(key), 'nothing here is of %s %s' % (key, safe(case.policy[key])), again + here)
    return _conflict(case, 'ACC-26', case.path('policy'), 'nothing here is of policy %s, flavour %s, build %s and source %s at once' % tuple(
        safe(case.policy[key]) for key in ('policy', 'flavour', 'build', 'source')), here)


def _renamed(case):
    """The row of a transitional name for the branch that policy asks for, where the rule about them holds."""
    prefix = 'nvidia-driver-%s' % case.policy['policy']
    names = [name for name in sorted(case.index.transitional) if name[:2] == case.place and name[2].startswith(prefix)]
    return case.index.transitional[names[0]] if names and 'ACC-10a' in case.index.enforced else None


def _only(case, key):
    """The case with all choices of the site but one left open."""
    other = case.alone(None)
    other.policy = dict(case.policy, policy='newest', flavour='auto', source=None, build=None)
    other.policy[key] = case.policy[key]
    return other


def _describe(outcome, case):
    one = outcome.candidate
    result, line, source = case.built(one)
    rows = ', '.join(sorted(row['name'] for row in case.rows))
    outcome.decide('driver.vendor', one.vendor, 'the cards are %s' % rows, 'ACC-22')
    of_kernel = None if one.version else 'the kernel brings this driver'
    outcome.decide('driver.branch', one.branch, of_kernel or 'every card here takes it: %s' % rows, 'ACC-1c', case.index.source('ACC-1c', case.branch(one)))
    outcome.decide('driver.version', one.version, of_kernel or _why(case), 'ACC-3a')
    outcome.decide('driver.flavour', one.flavour, 'known to build for %s' % safe(case.release) if result == 'built' and one.compiled
                   else 'the cards take it', 'ACC-2c', source)
    outcome.decide('driver.source', one.source, 'as %s says' % case.path('source') if one.set else 'somebody else installed it, and it is adopted')
    outcome.decide('driver.owner', one.source if not one.set else DISTRIBUTION if one.source == DISTRIBUTION else 'vendor_repository',
                   'one installer a node', 'ACC-43')
    outcome.decide('modules.blacklist', ['nouveau'] if one.vendor == 'nvidia' else [], 'it would take the cards first', 'ACC-45')
    outcome.decide('driver.persistence', bool(case.policy['persistence']), 'as %s says' % case.path('persistence'))
    outcome.decide('kernel.release', case.release, safe(case.kernel.get('next_boot_because') or 'the kernel that boots next'), 'ACC-32')
    outcome.decide('driver.set', one.set, 'the packages of this flavour and branch' if one.set else 'nothing is installed: the driver is adopted')
    gone = rules_card.dropped(one, case)
    if gone:
        outcome.decide('driver.drops', sorted({row['name'] for row in gone}), 'they are in no pool, and ai_stack_confirm says that this is meant', 'ACC-84')
    _packages(outcome, case, one)


def _why(case):
    if case.record:
        return 'the record says so; it moves once the driver of the host is taken out of it'
    return 'the best of %d candidates here under policy %s' % (len(case.offered), case.policy['policy'])


def _packages(outcome, case, one):
    if case.built(one)[0] != 'built' and any(row['rule'] in _TRIALS for row in outcome.warnings):
        outcome.decide('driver.trial', case.trial_key(one), 'whether the module builds for this kernel is not known', 'ACC-30')
    if one.stream:
        outcome.decide('driver.stream', one.stream, 'the branch is a module stream', 'ACC-14a')
    _fabric(outcome, case, one)
    outcome.decide('driver.packages', dict(sorted(one.packages.items())), _PINNED, 'ACC-15d')
    outcome.decide('driver.remove', one.remove, 'the package manager says that they must go', 'ACC-10b')
    one.kept = {name: one.packages[name] for name in holds(one)}
    outcome.decide('driver.holds', sorted(one.kept), 'parts of one version move together or not at all', 'ACC-50')
    outcome.decide('driver.repositories', _repositories(one), 'where these versions come from', 'ACC-41')
    build = one.build if one.module else 'packaged'
    how = 'compiled on the host' if build == 'dkms' else 'built and signed on a build host' if one.shipped else 'in packages'
    if one.shipped and case.certificate:
        outcome.decide('driver.signed_by', case.certificate, 'the certificate of the site, by its sha256', 'ACC-16d')
    outcome.decide('driver.build', build, 'the module is %s' % how if one.module else 'nothing is compiled on the host')
    if one.module:
        outcome.decide('kernel.hold', _kernel_packages(case, one), 'the module was built for this kernel; a kernel update can break it', 'ACC-36')


def _fabric(outcome, case, one):
    """Fabric manager and friends: in the version of the driver, nvlsm in the newest."""
    for part in ('fabric_manager', 'nvlsm', 'imex'):
        subject = 'fabric.%s' % part.replace('fabric_manager', 'manager')
        need = case.needs.get(part)
        if not need:
            outcome.decide(subject, None, 'no switch of this host asks for it', 'ACC-7c')
            continue
        name, found = one.parts.get(part, (None, []))
        version = next((text for text in found if part == 'nvlsm' or versions.upstream(text) == one.version), None)
        if name:
            one.pin(name, version)
            one.names.add(name)
        outcome.decide(subject, versions.upstream(version) or version, need.because, need.rule, need.source)
    for part in ('modules', 'programs'):
        need = case.needs.get(part)
        if need:
            outcome.decide('fabric.%s' % part, need.because, 'the start of the fabric manager wants them', need.rule, need.source)


def _repositories(one):
    """Names of the repositories of the site that the pinned versions come from; the distribution's own are there anyway."""
    found = {one.repository_of(name, version) for name, version in one.packages.items()}
    return sorted(found - {None, DISTRIBUTION})


def _kernel_packages(case, one):
    """The package of the kernel that boots next, and every name here that would pull in another one."""
    own = case.installed_kernel.get('package')
    names = [name for name in list(case.packages.get('installed') or ()) + list(one.packages) if _KERNEL_META.match(name)]
    return sorted(set(names + ([own] if own else [])))
