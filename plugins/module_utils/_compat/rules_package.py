# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Can these packages be had, all of one version, and installed: what apt or dnf would say."""

from __future__ import annotations

from . import versions
from .register import Objection, rule
from .text import listed, safe

_PARTS = {'fabric_manager': 'the fabric manager', 'imex': 'IMEX', 'nvlsm': 'the NVLink subnet manager (nvlsm)'}
# nvlsm has a version line of its own; no source ties it to the driver's.
_EQUAL = ('fabric_manager', 'imex')


@rule('ACC-6a', 'candidate')
def fabric_manager_equals_driver(candidate, case):
    """The fabric manager refuses any driver but its own version."""
    for part in _EQUAL:
        there = case.versions_of(part) or candidate.versions_of(part)
        if part in case.needs and there and not candidate.has_equal(part):
            yield Objection('%s must be %s like the driver (%s); there is %s' % (_PARTS[part], candidate.version, case.needs[part].because, listed(there)),
                            case.offers(lambda one, part=part: one.has_equal(part),
                                        'a driver of version %s' % ' or '.join(sorted({versions.upstream(one) or one for one in there}))), case.path('policy'),
                            case.needs[part].source)


@rule('ACC-9', 'candidate')
def fabric_parts_follow_the_server_sets(candidate, case):
    """Ubuntu ships fabric manager, IMEX and NSCQ for the -server sets alone."""
    servers = [one for one in case.offered if one.branch == candidate.branch and one.versions_of('fabric_manager')]
    if 'fabric_manager' in case.needs and servers and not candidate.parts.get('fabric_manager', (None, ()))[0]:
        yield Objection('%s has no fabric manager: it follows the -server packages (%s)' % (candidate.name, case.needs['fabric_manager'].because),
                        'available here: %s' % listed(sorted(one.name for one in servers)), case.path('policy'))


@rule('ACC-12b', 'candidate')
def needed_parts_can_be_had(candidate, case):
    """What a fabric needs must be in some repository of the host."""
    good = sorted({one.version for one in case.offered if one.version and case.allows(one, 'ACC-12b')})
    for part, text in _PARTS.items():
        if part in case.needs and not case.versions_of(part) and not candidate.versions_of(part):
            yield Objection('%s is needed (%s); no repository of this host has it' % (text, case.needs[part].because),
                            'a repository with %s%s, in ai_stack_repositories' % (text, ' ' + ' or '.join(good) if part in _EQUAL and good else ''),
                            'ai_stack_repositories', case.needs[part].source)


@rule('ACC-10a', 'candidate')
def name_installs_what_it_says(candidate, case):
    """A transitional name installs another branch."""
    for name in sorted(candidate.packages):
        row = case.transitional(name)
        if row:
            yield Objection('%s installs %s (branch %s)' % (safe(name), row.get('installs'), row['installs_branch']),
                            'branch %s' % row['installs_branch'], case.path('policy'), row.get('source'))


@rule('ACC-10b', 'candidate')
def simulation_gives_the_version(candidate, case):
    """What the package manager would install is the version that was decided."""
    if candidate.simulated and candidate.simulated != candidate.package_version:
        yield Objection('asked for %s the package manager would install %s' % (candidate.name, safe(candidate.simulated)),
                        'version %s' % versions.upstream(candidate.simulated), case.path('policy'))


@rule('ACC-11a', 'candidate')
def prebuilt_modules_fit_the_user_space(candidate, case):
    """Modules built for a kernel fit one driver version."""
    for name, version in sorted(candidate.uneven.items()) if not candidate.compiled else ():
        yield Objection('%s is %s here, but the modules are of %s' % (safe(name), safe(version), candidate.version),
                        case.offers(lambda one: not one.uneven, 'modules and user space of one version'), case.path('policy'))


@rule('ACC-11b', 'candidate')
def prebuilt_modules_are_there_for_the_kernel(candidate, case):
    """Prebuilt modules exist for the kernels that somebody built them for."""
    if not candidate.compiled and candidate.module in candidate.missing:
        yield Objection('%s, the modules for %s, cannot be had' % (safe(candidate.module), safe(case.release)),
                        'build dkms, or a kernel that the modules are built for', case.path('build'))


@rule('ACC-12c', 'candidate')
def firmware_equals_driver(candidate, case):
    """The module loads GSP firmware of its own version only."""
    for name, version in sorted(candidate.uneven.items()):
        if 'gsp' in name:
            yield Objection('%s is %s here, but the module is %s' % (safe(name), safe(version), safe(candidate.package_version)),
                            case.offers(lambda one: not one.uneven, 'a set whose parts are all of one version'), case.path('policy'))


@rule('ACC-15d', 'candidate')
def parts_are_of_one_version(candidate, case):
    """User space, module and firmware are one version."""
    uneven = sorted(name for name in candidate.uneven if 'gsp' not in name) if candidate.compiled else []
    if uneven:
        here = listed(['%s %s' % (name, candidate.uneven[name]) for name in uneven])
        yield Objection('the module of %s is %s, but here are %s' % (candidate.name, safe(candidate.package_version), here),
                        case.offers(lambda one: not one.uneven, 'a set whose parts are all of one version'), case.path('policy'))


@rule('ACC-14a', 'candidate')
def branch_comes_from_a_stream(candidate, case):
    """Where the repository has module streams, a branch is one of them."""
    if case.has_kind('stream') and candidate.vendor == 'nvidia' and candidate.module and not candidate.stream:
        yield Objection('%s names no dnf module stream, and %s chooses a branch by one' % (candidate.name, case.system_name),
                        'a set with a stream, like nvidia-driver:%s-open' % candidate.branch, case.path('source'))


@rule('ACC-14b', 'candidate')
def branch_is_held_by_versionlock(candidate, case):
    """Where there are no module streams, a lock holds the branch."""
    if case.has_kind('versionlock') and not case.has_kind('stream') and candidate.stream:
        yield Objection('%s wants the module stream %s, and %s has none' % (candidate.name, safe(candidate.stream), case.system_name),
                        'a set without a stream: the branch is held by versionlock', case.path('source'))


@rule('ACC-26', 'candidate')
def packages_exist(candidate, case):
    """Every package of the set can be had."""
    missing = [name for name in candidate.missing if name != candidate.module or candidate.compiled]
    missing = [name for name in missing if candidate.flavour != 'in_kernel' or 'firmware' not in name]
    if missing:
        yield Objection('%s: no repository of this host has %s' % (candidate.name, listed(sorted(missing))),
                        case.offers(lambda one: one.version and not one.missing, 'a repository that has it, in ai_stack_repositories'), case.path('source'))


@rule('ACC-27', 'candidate')
def package_manager_takes_the_set(candidate, case):
    """A set that cannot be installed is no candidate."""
    if not candidate.installable:
        yield Objection('the package manager refuses %s: %s' % (candidate.name, safe(candidate.message)),
                        case.offers(lambda one: one.installable and not one.missing, 'a set that can be installed'), case.path('policy'))


@rule('ACC-44', 'candidate')
def foreign_holds_stay(candidate, case):
    """A hold of somebody else is a decision of somebody else."""
    for name in sorted(set(case.packages.get('held') or ()) & set(candidate.packages)):
        here = (case.packages.get('installed') or {}).get(name)
        if name not in case.our_holds and here != candidate.packages[name]:
            yield Objection('somebody holds %s at %s, and %s needs %s' % (safe(name), safe(here), candidate.name, safe(candidate.packages[name])),
                            'release it (apt-mark unhold, dnf versionlock delete), or policy %s' % versions.upstream(here or '0'), case.path('policy'))


@rule('ACC-68', 'candidate')
def in_kernel_driver_has_its_firmware(candidate, case):
    """amdgpu of the kernel starts no card without its firmware files."""
    missing = [name for name in candidate.missing if 'firmware' in name]
    if candidate.flavour == 'in_kernel' and missing:
        yield Objection('no repository of this host has %s, the firmware of %s' % (listed(missing), ' and '.join(row['name'] for row in case.rows)),
                        'enable the component that has it (Debian: non-free-firmware)', 'ai_stack_repositories')


@rule('ACC-21a', 'candidate')
def kernel_driver_and_rocm_are_a_pair(candidate, case):
    """amdgpu and ROCm are tested in pairs."""
    rocm, driver = candidate.packages.get('rocm'), candidate.packages.get('amdgpu-dkms')
    if not rocm or not driver:
        return
    row = case.index.branches.get('.'.join((versions.upstream(driver) or '').split('.')[:2])) or {}
    mine = (versions.upstream(rocm) or '').split('.')
    if not any(mine[:len(pair)] == pair for pair in ([part for part in one.split('.') if part != 'x'] for one in row.get('rocm') or ())):
        yield Objection('amdgpu %s and ROCm %s are no pair in the table' % (safe(driver), safe(rocm)),
                        'ROCm %s' % listed(row['rocm']) if row.get('rocm') else 'no pair is known for this amdgpu', case.path('policy'), row.get('source'))
