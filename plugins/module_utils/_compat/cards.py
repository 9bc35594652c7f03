# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From PCI functions to cards: what each one is, whether it answers, and which row of the tables speaks about it."""

from __future__ import annotations

import re

from .text import nearest, safe

# The kernel module is the tables' word for who drives a card; these are the names that package sets use.
VENDORS = {'nvidia': 'nvidia', 'amdgpu': 'amd', 'i915': 'intel', 'xe': 'intel', 'habanalabs': 'habana'}

_PLACE = re.compile(r'[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$')
_HEX = re.compile(r'[0-9a-f]{4}$')
# 0300 is also the console of a board, so an unknown id of that class is no accelerator by itself.
_ACCELERATOR_CLASSES = ('0302', '12')


def address(text):
    """The form that sysfs uses: NVML writes the domain with eight digits and in capitals."""
    text = (text or '').lower()
    return text[:8].lstrip('0').rjust(4, '0') + text[8:] if text[8:9] == ':' else text


def find_row(index, function):
    """The accelerator row of a PCI function: by subsystem where one id stands for several cards."""
    rows = index.devices.get((function.get('vendor'), function.get('device')))
    if not rows:
        return None
    subsystem = '%s:%s' % (function.get('subsystem_vendor'), function.get('subsystem_device'))
    for row in rows:
        if subsystem in (row.get('subsystems') or ()):
            return row
    return next((row for row in rows if not row.get('subsystems')), rows[0])


def _is_unknown_accelerator(index, function):
    return function.get('vendor') in index.vendors and (function.get('class') or '').startswith(_ACCELERATOR_CLASSES)


def _identity(function, gpu):
    """Serial and UUID, as the tool of the vendor, the driver or the card itself tells them."""
    said = [one or {} for one in (gpu, function.get('identity'), function.get('vpd'))]
    return {key: next((one[key] for one in said if one.get(key)), None) for key in ('serial', 'uuid', 'vbios')}


def _dead(function, gpu):
    """Why a card does not answer, or None."""
    if function.get('present') is False:
        return 'its configuration space reads ff: it has fallen off the bus'
    if gpu and gpu.get('error'):
        return 'the driver reports: %s' % safe(gpu['error'])
    return None


def _card(function, gpu, row):
    place, vendor, device = function['address'], function.get('vendor'), function.get('device')
    if not row:
        # What a row names is what the tables say; anything else is a host's word.
        vendor, device = safe(vendor, 8), safe(device, 8)
    card = {'address': place if _PLACE.match(place) else safe(place, 40), 'vendor': vendor, 'device': device,
            'subsystem': '%s:%s' % (function.get('subsystem_vendor'), function.get('subsystem_device')),
            'model': row['model'] if row else None, 'name': row['name'] if row else safe((gpu or {}).get('name') or 'unknown'),
            'slot': function.get('slot'), 'driver': function.get('driver'), 'row': row, 'pool': None, 'use': None,
            'dead': _dead(function, gpu), 'status': 'ok'}
    card.update(_identity(function, gpu))
    if card['dead']:
        card['status'] = 'dead'
    return card


def of(observation, index):
    """The accelerators of a host in address order. row is None where no table knows the id."""
    gpus = {address(gpu.get('address')): gpu for tool in ('nvml', 'rocm') for gpu in (observation.get(tool) or {}).get('gpus') or ()}
    cards = []
    for function in observation.get('pci') or ():
        row = find_row(index, function)
        if row or _is_unknown_accelerator(index, function):
            cards.append(_card(function, gpus.get(address(function.get('address'))), row))
    return sorted(cards, key=lambda card: card['address'])


def nearest_model(index, card):
    """The known card that an unknown one is most like: by its name, else by the closest device id of the vendor."""
    named = nearest(card['name'], index.names)
    if named:
        return index.names[named]
    same = [device for vendor, device in index.devices if vendor == card['vendor']]
    if not same or not _HEX.match(card['device']):
        return None
    close = min(same, key=lambda device: abs(int(device, 16) - int(card['device'], 16)))
    return index.devices[(card['vendor'], close)][0]['model']
