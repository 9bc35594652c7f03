# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Will the module build, load and start on the kernel that boots next."""

from __future__ import annotations

from . import versions
from .register import Objection, rule
from .text import safe


def _minor(text):
    return versions.kernel(text)[:2]


@rule('ACC-13', 'candidate')
def kernel_is_within_what_was_tested(candidate, case):
    """A package names the newest kernel that it was tested with; beyond it only a full build counts."""
    row = case.package_row(candidate.module, candidate.package_version) or {}
    tested = row.get('kernel_tested_up_to')
    if tested and case.release and _minor(case.release) > _minor(tested) and case.built(candidate)[0] != 'built':
        yield Objection('%s was tested up to kernel %s; %s boots next' % (candidate.name, tested, safe(case.release)),
                        'a full trial build that succeeds (ai_stack_trial), or a kernel up to %s' % tested, case.path('policy'), row.get('source'))


@rule('ACC-16a', 'candidate')
def kernel_is_new_enough(candidate, case):
    """A branch states the oldest kernel that it builds on."""
    row = case.branch(candidate) or {}
    if row.get('min_kernel') and case.release and versions.kernel(case.release) < versions.kernel(row['min_kernel']):
        yield Objection('branch %s needs kernel %s or newer; %s boots next' % (candidate.branch, row['min_kernel'], safe(case.release)),
                        'kernel %s or newer, or an older branch' % row['min_kernel'], case.path('policy'), row.get('source'))


@rule('ACC-16c', 'candidate')
def compiler_is_there(candidate, case):
    """A module is compiled with the kernel's compiler: it is there, or comes with the set."""
    # what a set brings that is neither there nor was simulated, since no card here takes it, nobody knows
    known = candidate.simulated or candidate.module in (case.packages.get('installed') or {})
    if candidate.build != 'dkms' or not candidate.module or case.compiler or not known:
        return
    if not any(name.startswith('gcc') for name in candidate.packages):
        yield Objection('%s is compiled on the host, which has no compiler, and the set brings none' % candidate.name,
                        'install gcc and make, or build packaged', case.path('build'))


@rule('ACC-16d', 'candidate')
def secure_boot_takes_the_module(candidate, case):
    """Under secure boot the kernel loads only what an enrolled key has signed."""
    state, enrolled = case.secure_boot.get('state'), case.secure_boot.get('mok_enrolled')
    if state == 'disabled' or not candidate.module:
        return
    how = 'is on' if state == 'enabled' else 'is in an unknown state'
    if candidate.build == 'dkms':
        yield Objection('secure boot %s, and a module compiled on the host is not signed by an enrolled key' % how,
                        'build packaged: modules built and signed on a build host', case.path('build'))
    elif candidate.shipped and not case.certificate:
        yield Objection('secure boot %s, and nothing says with which key modules are signed' % how,
                        'ai_stack_module_signing: {certificate: PATH, key: PATH}', 'ai_stack_module_signing')
    elif candidate.shipped and case.certificate not in (enrolled or ()):
        yield Objection('secure boot %s, and the certificate of the site (sha256 %s) is not among the machine owner keys enrolled here' % (
            how, case.certificate), 'enrol the certificate (mokutil --import) and reboot', 'ai_stack_module_signing.certificate')
    elif not candidate.shipped:
        # Whose key signed the packages of a repository is not observed.
        what = 'whether the key of %s is one of them cannot be told' % candidate.name if enrolled else 'no machine owner key is enrolled'
        yield Objection('secure boot %s, and %s' % (how, what), 'enrol the key of the packages (mokutil --import) and reboot', case.path('build'),
                        warns=bool(enrolled))


@rule('ACC-29', 'candidate')
def module_builds_for_the_next_kernel(candidate, case):
    """A module that is known not to compile for the kernel that boots next is no driver."""
    result, line, source = case.built(candidate)
    if result in ('failed', 'not_installable'):
        yield Objection('%s does not build for %s: %s' % (candidate.name, safe(case.release), safe(line)),
                        case.offers(lambda one: case.built(one)[0] not in ('failed', 'not_installable'), 'another flavour, version or kernel'),
                        case.path('policy'), source)


def _unproven(candidate, case, what, source=None):
    return Objection('whether %s builds for %s is not known: %s' % (candidate.name, safe(case.release), what),
                     'a full trial build (plan -e ai_stack_trial=true)' if case.settled
                     else 'a full trial build: plan -e ai_stack_trial=true; deploy runs it before any change',
                     case.path('policy'), source, None, not case.settled)


@rule('ACC-30', 'candidate')
def build_result_is_known(candidate, case):
    """Unknown never passes: the full build runs before anything is changed."""
    result, line, source = case.built(candidate)
    if result == 'unknown':
        yield _unproven(candidate, case, line or 'nobody tried', source)


@rule('ACC-31', 'candidate')
def quick_trial_proves_nothing(candidate, case):
    """The quick trial compiles one file: its no is certain, its yes is not."""
    result, _dummy, source = case.built(candidate)
    if result == 'quick':
        yield _unproven(candidate, case, 'a quick trial said yes, which compiles one file only', source)


@rule('ACC-33', 'candidate')
def result_is_of_this_compiler(candidate, case):
    """A result holds for one suite, kernel, package version and compiler."""
    result, line, source = case.built(candidate)
    if result == 'other':
        yield _unproven(candidate, case, line, source)


def _brings(candidate, headers):
    """Whether a set brings a package; rpm calls a kernel's headers by name and version in one word."""
    return headers in candidate.packages or any(headers.startswith('%s-%s.' % pair) for pair in candidate.packages.items())


@rule('ACC-34', 'candidate')
def headers_can_be_had(candidate, case):
    """A module is compiled against the headers of the kernel that boots next; what a distribution calls them is the role's word, which the host repeats."""
    if candidate.build != 'dkms' or not candidate.module or not case.release or case.installed_kernel.get('headers'):
        return
    tools = case.packages.get('tools') or {}
    names = sorted(name for name in tools if name.endswith(case.release))
    if not any(tools[name] or _brings(candidate, name) for name in names):
        yield Objection('the headers of %s, which boots next, are not installed and the set brings none' % safe(case.release),
                        'install the headers of that kernel%s, or boot one that has them' % ''.join(' (%s)' % safe(name) for name in names),
                        case.path('build'))
