# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tables about cards, branches, switches, firmware and MIG agree with each other and with what their sources say."""

from __future__ import annotations

import pytest

NVIDIA = '10de'
OLD = {'Kepler', 'Maxwell', 'Pascal', 'Volta'}


def integers(version):
    return tuple(int(part) for part in version.split('.'))


@pytest.fixture(scope='module')
def cards(tables):
    return [row for row in tables['accelerators']['rows'] if row['vendor'] == NVIDIA]


@pytest.fixture(scope='module')
def branches(tables):
    return {row['branch']: row for row in tables['driver_branches']['rows'] if row['vendor'] == NVIDIA}


def device(cards, identity):
    return next(row for row in cards if row['device'] == identity)


def test_every_generation_from_kepler_to_blackwell_is_there(cards):
    assert {row['architecture'] for row in cards} == OLD | {'Turing', 'Ampere', 'Ada', 'Hopper', 'Blackwell'}


# Statement 3 of the facts, the floors that its text names.
@pytest.mark.parametrize('identity, branch, version', [
    ('2901', '570', '570.86.15'), ('2941', '570', '570.124.04'), ('2bb5', '575', '575.57.08'), ('3182', '580', '580.82.07'),
    ('31c2', '580', '580.82.07'), ('230e', '580', '580.82.07'), ('2335', '550', '550.90.07'), ('26b9', '535', '535.104.05')])
def test_a_card_is_known_from_the_release_that_lists_it(cards, identity, branch, version):
    first = device(cards, identity)['first_version']
    assert first[branch] == version and min(first, key=int) == branch


@pytest.mark.parametrize('identity', ['20b0', '20f1', '20b7'])
def test_a_card_that_the_mig_guide_names_for_470_is_known_to_470(cards, identity):
    """The list of the open modules begins with 535, and says itself that the proprietary ones may have known a card before."""
    rows = [row for row in cards if row['device'] == identity]
    assert rows and all(row['first_version']['470'] == '470.256.02' for row in rows)


def test_branches_that_cards_name_are_in_the_table(cards, branches):
    for row in cards:
        named = set(row['first_version']) | set(row['first_open_version']) | ({row['last_branch']} - {None})
        assert named <= set(branches), row['name']


def test_a_first_version_is_one_of_its_branch(cards):
    for row in cards:
        for branch, version in {**row['first_version'], **row['first_open_version']}.items():
            assert version.partition('.')[0] == branch, row['name']


def test_the_last_branch_is_the_last_one_that_lists_the_architecture(cards, branches):
    last = {name: max((b for b in branches if name in branches[b]['architectures']), key=int) for name in {row['architecture'] for row in cards}}
    newest = max(branches, key=int)
    for row in cards:
        assert (row['last_branch'] or newest) == last[row['architecture']], row['name']


def test_no_card_older_than_turing_takes_the_open_modules(cards, branches):
    assert {row['flavour'] for row in cards if row['architecture'] in OLD} == {'proprietary_only'}
    assert not any(OLD & set(row['open']) for row in branches.values())


def test_open_only_is_what_the_branches_say(cards, branches):
    for row in cards:
        required = set(branches['580']['open_required'])
        assert (row['flavour'] == 'open_only') == bool({row['architecture'], row['model']} & required), row['name']


def test_the_open_and_proprietary_lists_are_part_of_a_branch(branches):
    for row in branches.values():
        assert set(row['open']) | set(row['proprietary'] or []) == set(row['architectures']), row['branch']


@pytest.mark.parametrize('branch, kind, end, ended', [
    ('535', 'lts', '2026-06', True), ('550', None, None, True), ('580', 'lts', '2028-06', False), ('595', 'production', '2027-03', False),
    ('610', 'new_feature', '2026-08', True), ('615', 'new_feature', None, None)])
def test_the_life_of_a_branch(branches, branch, kind, end, ended):
    row = branches[branch]
    assert (row['type'], row['eol'], row['ended']) == (kind, end, ended)


def test_an_end_that_has_passed_is_marked_as_ended(branches):
    for row in branches.values():
        assert row['eol'] is None or row['ended'] == (row['eol'] < row['as_of'][:7]), row['branch']


def test_cuda_knows_the_architectures_of_the_cards(cards, tables):
    named = {row['architecture'] for row in tables['cuda']['rows'] if row['kind'] == 'architecture'}
    assert {row['architecture'] for row in cards} == named


def test_a_cuda_release_needs_no_less_than_its_major(tables):
    rows = tables['cuda']['rows']
    floors = {row['cuda']: row['min_driver'] for row in rows if row['kind'] == 'major'}
    for row in rows:
        if row['kind'] == 'release':
            assert row['min_driver'] == floors[row['cuda'].partition('.')[0]]


def test_the_switches_are_those_of_the_facts(tables):
    found = {identity for row in tables['fabric']['rows'] if row['detect'] == 'pci' for identity in row['devices']}
    wanted = {'1ae8'} | {'%04x' % number for number in list(range(0x1af0, 0x1b00)) + list(range(0x22a0, 0x22a8))}
    assert found == wanted
    assert all(row['pci_class'] == '0680' for row in tables['fabric']['rows'] if row['detect'] == 'pci')


def test_a_switch_is_no_card(cards, tables):
    switches = {identity for row in tables['fabric']['rows'] for identity in row['devices']}
    assert not switches & {row['device'] for row in cards}


def test_an_nvlink5_host_needs_more_than_a_fabric_manager(tables):
    row = next(row for row in tables['fabric']['rows'] if row['detect'] == 'vpd')
    assert (row['vendor'], row['vpd'], row['needs'], row['modules']) == ('15b3', 'SW_MNG', ['fabric_manager', 'nvlsm'], ['ib_umad'])


def test_firmware_floors_are_for_cards_of_the_table(tables):
    known = {(row['vendor'], row['device']) for row in tables['accelerators']['rows']}
    for row in tables['firmware']['rows']:
        assert {(row['vendor'], identity) for identity in row['devices']} <= known
        assert row['devices'] or row['architectures']


def answered(rows, identity, subsystem):
    """The rows of a table that speak about a card."""
    return [row for row in rows if identity in row['devices'] and (not row['subsystems'] or subsystem in row['subsystems'])]


def test_cards_with_mig_have_profiles_and_others_have_none(cards, tables):
    for row in cards:
        for subsystem in row['subsystems'] or [None]:
            assert bool(answered(tables['mig']['rows'], row['device'], subsystem)) == (row['mig'] is True), row['name']


def test_a_mig_profile_fits_its_card(tables):
    for row in tables['mig']['rows']:
        where = '%s on %s' % (row['profile'], row['devices'])
        assert row['slices'] * row['max'] <= row['total_slices'], where
        assert row['memory_slots'] * row['max'] <= row['total_memory_slots'], where
        assert all(start + row['memory_slots'] <= row['total_memory_slots'] for start in row['placements'] or []), where


def test_a_profile_name_says_what_the_columns_say(tables):
    for row in tables['mig']['rows']:
        slices, dummy, rest = row['profile'].partition('g.')
        assert (int(slices), rest.partition('gb')[0]) == (row['slices'], str(row['memory_gb']))
        assert row['me'] == (rest.endswith('+me') or rest.endswith('+me.all')) and (not row['me'] or row['max'] == 1)


@pytest.mark.parametrize('identity, profiles', [
    ('2331', {'1g.10gb': 7, '1g.10gb+me': 1, '1g.20gb': 4, '2g.20gb': 3, '3g.40gb': 2, '4g.40gb': 1, '7g.80gb': 1}),
    ('20b7', {'1g.6gb': 4, '1g.6gb+me': 1, '2g.12gb': 2, '2g.12gb+me': 1, '4g.24gb': 1})])
def test_the_profiles_of_a_card(tables, identity, profiles):
    assert {row['profile']: row['max'] for row in answered(tables['mig']['rows'], identity, None)} == profiles


def test_amd_and_gaudi_cards_name_releases_as_a_host_does(tables):
    for row in tables['accelerators']['rows']:
        for distribution, cells in (row['os'] or {}).items():
            if distribution in ('debian', 'ubuntu'):
                assert all(release.count('.') == (distribution == 'ubuntu') for release in cells), row['name']
        assert (row['os'] is None) == (row['vendor'] not in ('1002', '1da3')), row['name']


@pytest.mark.parametrize('model, releases', [('MI300X', ['12', '13']), ('MI300A', ['12']), ('MI210', []), ('Gaudi 3', [])])
def test_which_debian_a_card_has_a_cell_for(tables, model, releases):
    found = [row for row in tables['accelerators']['rows'] if row['model'] == model]
    assert [sorted(row['os'].get('debian', {})) for row in found] == [releases] * len(found) and found
