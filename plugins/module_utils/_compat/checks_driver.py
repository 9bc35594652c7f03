# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The promises about modules, packages, cards and geometry."""

from __future__ import annotations

from .case import PACKAGED
from .mig import counted
from .register import rule
from .state import OWN_UNITS
from .view import check, none_for

_GEOMETRY = OWN_UNITS[0]


def _is(module):
    return ' '.join(str(part) for part in (module.get('version'), module.get('flavour')) if part) or None


def _state(found, unknown):
    """unknown where some part is, else what the values say."""
    return 'unknown' if unknown else 'pass' if found else 'fail'


def _without(label, what, promise, found, how):
    """A check that shows what is not as it should be, under a name that says so: a bare "none" could mean the opposite."""
    return check(what, promise, {label: {} if isinstance(found, dict) else []}, None if found is None else {label: found}, how)


@rule('ACC-15a', 'check')
def loaded_equals_user_space(view):
    """The loaded module and the user space are one version, the decided one."""
    promise = 'the loaded kernel module and the user space are of the decided version'
    if not view.nvidia:
        yield none_for('loaded_equals_user_space', promise, 'the kernel brings this driver and its user space is not tied to it')
        return
    want = {'loaded': view.version, 'user_space': view.version}
    loaded = None if view.loaded is None else (view.loaded.get('nvidia') or {}).get('version')
    seen = {'loaded': loaded, 'user_space': view.version_of('user_space')}
    unknown = not view.known or view.loaded is None or seen['user_space'] == 'unknown'
    yield check('loaded_equals_user_space', promise, want, seen, '/sys/module/nvidia/version and libnvidia-ml.so', _state(seen == want, unknown))


@rule('ACC-15b', 'check')
def firmware_equals_driver(view):
    """The module loads firmware of its own version only."""
    promise = 'the firmware of the decided version is there'
    firmware = view.driver.get('firmware') or {}
    if view.nvidia:
        gsp = firmware.get('gsp')
        rows = {card['row']['architecture'] for card in view.planned()}
        needed = any(set(row.get('architectures') or ()) & rows for row in view.index.firmware if row.get('component') == 'gsp')
        if not needed:
            yield none_for('firmware_equals_driver', promise, 'no card here has a GSP')
        else:
            other = sorted({gpu['gsp'] for gpu in (view.gpus or {}).values() if gpu.get('gsp')} - {view.version})
            want = {'files': view.version, 'running_other': []}
            seen = {'files': view.version if view.version in (gsp or ()) else gsp, 'running_other': other}
            yield check('firmware_equals_driver', promise, want, seen, '/lib/firmware/nvidia, NVML', _state(seen == want, gsp is None))
    else:
        yield check('firmware_equals_driver', 'the firmware of the cards is there', True, firmware.get('amdgpu'), '/lib/firmware/amdgpu')


@rule('ACC-15c', 'check')
def one_flavour_is_there(view):
    """Open and proprietary modules never stay together."""
    promise = 'the decided flavour is loaded, and the kernel that boots next has no other'
    if not view.nvidia:
        yield none_for('one_flavour', promise, 'the kernel brings this driver')
        return
    loaded = None if view.loaded is None else (view.loaded.get('nvidia') or {}).get('flavour')
    there = {((view.next_kernel or {}).get('modules') or {}).get('nvidia', {}).get('flavour')} - {None}
    want = {'loaded': view.want.get('driver.flavour'), 'other_modules': []}
    seen = {'loaded': loaded, 'other_modules': sorted(there - {want['loaded']})}
    yield check('one_flavour', promise, want, seen, '/sys/module/nvidia, modinfo below /lib/modules', _state(seen == want, view.loaded is None))


@rule('ACC-35', 'check')
def module_is_there_for_next_kernel(view):
    """After the next boot the driver is still there."""
    promise = 'the module of the decided version is there for the kernel that boots next'
    kernel = view.next_kernel
    if not view.nvidia:
        there = None if view.loaded is None else 'amdgpu' in view.loaded
        yield check('module_for_next_kernel', 'the module of the kernel is loaded', True, there, '/sys/module')
        return
    want = '%s %s' % (view.version, view.want.get('driver.flavour'))
    seen = None if kernel is None or kernel.get('modules') is None else _is(kernel['modules'].get('nvidia') or {}) or 'none'
    yield check('module_for_next_kernel', promise, want, seen, 'modinfo below /lib/modules/%s' % view.kernel.get('next_boot'))


@rule('ACC-36', 'check')
def kernel_is_held(view):
    """A kernel update can break the module, so it waits for a plan."""
    promise = 'the kernel that the module was built for boots next, and is held'
    want = view.want.get('kernel.hold')
    if not want:
        yield none_for('kernel_held', promise, 'no module is built for a kernel here')
        return
    held = view.packages.get('held')
    missing = sorted(set(want) - set(held or ()))
    seen = {'next_boot': view.kernel.get('next_boot'), 'not_held': missing}
    yield check('kernel_held', promise, {'next_boot': view.want.get('kernel.release'), 'not_held': []}, seen, 'boot entry, holds of the package manager',
                _state(not missing and seen['next_boot'] == view.want.get('kernel.release'), held is None or seen['next_boot'] is None))


@rule('ACC-45', 'check')
def nouveau_is_out_of_the_way(view):
    """nouveau would take the cards before the driver."""
    unwanted = view.want.get('modules.blacklist') or []
    found = None if view.loaded is None else sorted(set(view.loaded) & set(unwanted))
    yield _without('conflicting', 'conflicting_modules_absent', 'no conflicting module is loaded', found, '/sys/module')


@rule('ACC-47', 'check')
def nvml_answers(view):
    """The exit code of nvidia-smi proves little; what it lists does."""
    promise = 'NVML answers with the decided version'
    if not view.nvidia:
        yield none_for('nvml_answers', promise, 'cards of another vendor')
        return
    status = view.nvml.get('status')
    seen = {'status': status, 'driver_version': view.nvml.get('driver_version')}
    yield check('nvml_answers', promise, {'status': 'ok', 'driver_version': view.version}, seen, 'NVML',
                _state(status == 'ok' and seen['driver_version'] == view.version, status in (None, 'hung')))
    want = bool(view.want.get('driver.persistence'))
    modes = None if view.gpus is None else sorted({gpu.get('persistence') for gpu in view.gpus.values() if not gpu.get('error')}, key=str)
    yield check('persistence', 'every card is in the decided persistence mode', [want], modes, 'NVML', 'unknown' if modes and None in modes else None)


@rule('ACC-49', 'check')
def nvml_does_not_hang(view):
    """What a hung NVML would say is not known."""
    status = view.nvml.get('status')
    if view.nvidia and status in (None, 'hung'):
        yield check('nvml_in_time', 'NVML answers in time', 'an answer', view.nvml.get('message') or 'no answer', 'NVML, within its time limit', 'unknown')
    elif view.nvidia:
        yield check('nvml_in_time', 'NVML answers in time', 'an answer', 'an answer', 'NVML, within its time limit', 'pass')


@rule('ACC-48', 'check')
def every_card_answers(view):
    """A card on the bus that NVML does not list is dead."""
    promise = 'NVML lists every card that the bus shows'
    if not view.nvidia:
        yield check('cards_listed', 'the driver drives every card that the bus shows', {card['address']: 'amdgpu' for card in view.planned()},
                    {card['address']: card['driver'] or 'none' for card in view.planned()}, 'PCI bus')
        return
    want = sorted(card['address'] for card in view.planned())
    gpus = view.gpus
    seen = None if gpus is None else sorted(address for address, gpu in gpus.items() if not gpu.get('error') and address in want)
    yield check('cards_listed', promise, want, seen, 'PCI bus, NVML')


@rule('ACC-50', 'check')
def packages_are_pinned(view):
    """What was decided is installed, whole, and stays."""
    want, installed = view.want.get('driver.packages') or {}, view.packages.get('installed')
    wrong = {name: (installed or {}).get(name) for name in sorted(view.want.get('driver.holds') or ()) if (installed or {}).get(name) != want.get(name)}
    yield _without('differing', 'packages_installed', 'the packages of the driver are installed in the decided versions',
                   None if installed is None else wrong, 'package database')
    loose = sorted(set(view.want.get('driver.holds') or ()) - set(view.packages.get('held') or ()))
    yield _without('not_held', 'packages_held', 'the packages of the driver are held', None if view.packages.get('held') is None else loose,
                   'holds of the package manager')
    yield _without('broken', 'packages_whole', 'no package is half-installed or half-configured', view.packages.get('broken'), 'package database')
    off = None if view.units is None else sorted(unit for unit in OWN_UNITS if (view.units.get(unit) or {}).get('enabled') != 'enabled')
    if view.want.get('driver.set'):
        yield _without('not_enabled', 'units_enabled', 'what brings the settings of the driver back at boot is enabled', off, 'systemctl show')


@rule('ACC-43', 'check')
def driver_has_one_owner(view):
    """A second installer would overwrite the first."""
    owner, seen = view.want.get('driver.owner'), view.driver.get('owners')
    kinds = None if seen is None else sorted({str(one.get('kind')) for one in seen})
    # Who made a package is told by its maintainer field; what counts is that packages own the driver, and nobody else.
    # A driver of the kernel needs no package of its own; another installer's would take its place.
    right = kinds is not None and (len(kinds) == 1 and {kinds[0], owner} <= set(PACKAGED) or not kinds and not view.version)
    yield check('one_owner', 'the driver has one owner', kinds if right else [owner], kinds, 'package database, traces of installers, containers')


@rule('ACC-61', 'check')
def instances_equal_the_layout(view):
    """Creating instances is not atomic: count them."""
    for address, layout in sorted((view.want.get('mig.layout') or {}).items()):
        gpus = view.gpus
        seen = None if gpus is None else counted(gpus.get(address) or {})
        yield check('mig_layout.%s' % address, 'the instances of the card equal its layout', layout, seen, 'NVML')


@rule('ACC-60', 'check')
def mig_mode_is_current(view):
    """A pending mode waits for a reset or reboot."""
    for address, layout in sorted((view.want.get('mig.layout') or {}).items()):
        mode = ((view.gpus or {}).get(address) or {}).get('mig') or {}
        yield check('mig_mode.%s' % address, 'MIG is on, not pending', 'enabled' if layout else 'disabled', mode.get('current'), 'NVML, current mode')


@rule('ACC-18d', 'check')
def layout_comes_back_at_boot(view):
    """Instances are lost at a reset or reboot."""
    if view.want.get('mig.layout'):
        unit = (view.units or {}).get(_GEOMETRY) or {}
        yield check('mig_unit', 'a unit makes the layout again at boot', 'enabled', None if view.units is None else unit.get('enabled') or 'absent',
                    'systemctl show %s' % _GEOMETRY)
