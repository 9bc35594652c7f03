# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the distributions ship, and which modules build: the rows agree with each other."""

from __future__ import annotations

import re

import pytest


@pytest.fixture(scope='module')
def rows(tables):
    return tables['distributions']['rows']


@pytest.fixture(scope='module')
def branches(tables):
    return {row['branch'] for row in tables['driver_branches']['rows'] if row['vendor'] == '10de'}


def of(rows, **columns):
    return [row for row in rows if all(row[column] == value for column, value in columns.items())]


def test_every_platform_has_rows(rows):
    found = {(row['distribution'], row['version']) for row in rows}
    assert found == {('debian', '12'), ('debian', '13'), ('ubuntu', '22.04'), ('ubuntu', '24.04'), ('ubuntu', '26.04'),
                     ('rhel', '8'), ('rhel', '9'), ('rhel', '10')}


def test_branches_that_packages_name_are_in_the_table(rows, branches):
    assert {row['branch'] or row['installs_branch'] for row in rows} - {None} <= branches


def test_a_package_version_holds_its_driver_version(rows):
    for row in rows:
        if row['driver'] and row['ships'] and row['kind'] in ('dkms', 'driver'):
            assert row['ships'].startswith(row['driver'] + '-') and row['driver'].partition('.')[0] == row['branch'], row['package']


def test_a_transitional_name_ends_at_a_package_that_is_there(rows):
    for row in of(rows, kind='transitional'):
        assert re.search(r'-%s(-|$)' % row['installs_branch'], row['installs']), row['package']
        if row['installs'].startswith('nvidia-driver'):
            there = of(rows, kind='driver', suite=row['suite'], package=row['installs'])
            assert [(one['branch'], one['flavour'], one['ships']) for one in there] == [(row['installs_branch'], row['flavour'], row['ships'])], row['package']


# Statement 10 of the facts.
@pytest.mark.parametrize('asked, got', [('535', '580'), ('550', '580'), ('570', '580'), ('575', '580'), ('590', '595'), ('610', '615'), ('460', '470')])
def test_where_a_name_on_noble_leads(rows, asked, got):
    assert {row['installs_branch'] for row in of(rows, kind='transitional', version='24.04', package='nvidia-driver-' + asked)} == {got}


def test_a_name_may_change_the_flavour_too(rows):
    assert {row['flavour'] for row in of(rows, kind='transitional', package='nvidia-driver-615')} == {'open'}


def test_the_desktop_flavour_of_595_differs_from_its_fabric_manager(rows):
    for row in of(rows, kind='driver', branch='595'):
        assert (row['driver'] == row['fabric_manager']) == ('-server' in row['package']), row['package']


@pytest.mark.parametrize('suite, package, version', [
    ('bookworm', 'nvidia-kernel-dkms', '535.261.03-1'), ('bookworm-security', 'nvidia-kernel-dkms', '535.309.01-0+deb12u1'),
    ('trixie', 'nvidia-kernel-dkms', '550.163.01-2'), ('trixie', 'nvidia-open-kernel-dkms', '550.163.01-2'),
    ('trixie-backports', 'nvidia-open-kernel-dkms', '550.163.01-4~bpo13+1')])
def test_what_debian_ships(rows, suite, package, version):
    assert [row['ships'] for row in of(rows, suite=suite, package=package)] == [version]


def test_the_open_module_of_bookworm_is_marked_as_not_installable(rows):
    assert [row['suite'] for row in rows if not row['installable']] == ['bookworm']
    assert [row['package'] for row in rows if not row['installable']] == ['nvidia-open-kernel-dkms']


def test_debian_has_no_fabric_manager(rows):
    for version in ('12', '13'):
        absent = {row['package'] for row in of(rows, distribution='debian', version=version, kind='absent')}
        assert {'nvidia-fabricmanager', 'nvidia-imex', 'nvidia-container-toolkit', 'datacenter-gpu-manager'} <= absent


def test_rhel_10_has_no_streams(rows):
    assert {bool(row['streams']) for row in of(rows, distribution='rhel', version='10')} == {False}
    assert [row['version'] for row in of(rows, kind='stream')] == ['8', '9']


# The cases that a kernel update changed inside one stable release.
@pytest.mark.parametrize('suite, package, kernel, mode, result', [
    ('bookworm', 'nvidia-open-kernel-dkms', '6.1.0-50-cloud-amd64', 'full', 'built'),
    ('bookworm', 'nvidia-open-kernel-dkms', '6.1.0-56-cloud-amd64', 'quick', 'failed'),
    ('bookworm', 'nvidia-kernel-dkms', '6.1.0-56-amd64', 'full', 'built'),
    ('trixie', 'nvidia-open-kernel-dkms', '6.12.118+deb13-amd64', 'quick', 'failed'),
    ('trixie', 'nvidia-kernel-dkms', '6.12.118+deb13-amd64', 'full', 'built')])
def test_which_module_builds(tables, suite, package, kernel, mode, result):
    found = of(tables['module_builds']['rows'], suite=suite, package=package, kernel=kernel)
    assert [(row['mode'], row['result']) for row in found] == [(mode, result)]


def test_a_build_row_is_about_a_package_that_is_shipped(tables, rows):
    shipped = {(row['suite'], row['package'], row['ships']) for row in rows}
    for row in tables['module_builds']['rows']:
        suite = row['suite'] + ('-' + row['pocket'] if row['pocket'] else '')
        assert (suite, row['package'], row['version']) in shipped
        assert (row['error'] is None) == (row['result'] == 'built')
