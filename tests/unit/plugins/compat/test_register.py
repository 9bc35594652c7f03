# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The register of the rules, and the habits of every table."""

from __future__ import annotations

import re

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat import register, resolve, verify  # noqa: F401  the last two register every rule

STEMS = ['accelerators', 'containerd_branches', 'cuda', 'distributions', 'driver_branches', 'fabric', 'fabric_partitions', 'firmware', 'kubernetes_gates',
         'kubernetes_minors', 'kubernetes_operators', 'kubernetes_plugins', 'kubernetes_queues', 'kubernetes_steps', 'mig', 'module_builds', 'nova_filters',
         'nova_fixes', 'nova_keys', 'nova_series', 'placement_candidates', 'platforms', 'rules', 'vfio']
# the statements of the facts about Nova were numbered by subject; what was added since goes on after the last one
# those about Kubernetes are lettered by subject; what is about the platform above it, V14 and V15 too, is none of this collection
KUBERNETES = {'A': {11, 15}, 'V': {*range(1, 14), *range(16, 21)}, 'N': {*range(1, 21)}, 'E': {*range(1, 10)},
              'U': {*range(1, 12)}, 'G': {*range(1, 27)}, 'S': {*range(1, 8)}}
NOVA = {*range(1, 17), *range(20, 32), *range(40, 50), *range(50, 58), *range(60, 70), *range(70, 77), *range(80, 87), *range(90, 98)}


@pytest.fixture(scope='module')
def rules(tables):
    return tables['rules']['rows']


def test_the_tables_are_those_of_the_contract(tables):
    assert sorted(tables) == STEMS


@pytest.mark.parametrize('stem', STEMS)
def test_a_table_says_what_each_column_means(tables, stem):
    meta = tables[stem]['meta']
    assert set(meta) == {'subject', 'as_of', 'key', 'columns', 'types', 'defaults'}
    assert list(meta['columns']) == list(meta['types'])
    assert set(meta['key']) <= set(meta['columns']) and set(meta['defaults']) <= set(meta['columns']) | {'note'}


@pytest.mark.parametrize('stem', STEMS)
def test_no_row_is_younger_than_its_table(tables, stem):
    assert max(row['as_of'] for row in tables[stem]['rows']) <= tables[stem]['meta']['as_of']


@pytest.mark.parametrize('stem', STEMS)
def test_every_source_is_used(root, stem):
    document = yaml.safe_load((root / 'plugins' / 'compat' / (stem + '.yml')).read_text(encoding='utf-8'))
    assert {key for row in document['rows'] for key in row['source']} == set(document['sources'])


def numbers_of(rules, prefix):
    return {int(re.search(r'\d+', row['id']).group()) for row in rules if row['id'].startswith(prefix + '-')}


def test_every_statement_of_the_facts_is_registered(rules):
    assert numbers_of(rules, 'ACC') >= set(range(1, 22)) and numbers_of(rules, 'NR') >= NOVA
    found = {letter: {int(row['id'][5:].rstrip('ab')) for row in rules if row['id'].startswith('K8S-' + letter)} for letter in KUBERNETES}
    assert found == KUBERNETES


def test_numbers_go_on_without_a_gap(rules):
    numbers, nova = numbers_of(rules, 'ACC'), numbers_of(rules, 'NR')
    assert numbers == set(range(1, max(numbers) + 1))
    assert nova - NOVA == set(range(max(NOVA) + 1, max(nova) + 1))
    assert {row['id'].partition('-')[0] for row in rules} == {'ACC', 'NR', 'K8S'}


def test_a_letter_follows_only_where_a_statement_was_split(rules):
    ids = [row['id'] for row in rules]
    for name in ids:
        number = re.match(r'[A-Z0-9]+-[A-Z]?\d+', name).group()
        letters = sorted(other[len(number):] for other in ids if re.match(number + r'[a-z]?$', other))
        assert letters == [''] or letters == list('abcdefghijklmnopqrstuvwxyz')[:len(letters)], number


def test_a_rule_is_enforced_by_a_named_test_or_says_why_not(rules):
    for row in rules:
        if row['status'] == 'enforced':
            assert row['stage'] and row['by'] and row['test'], row['id']
        else:
            assert row['why'] and not row['stage'] and not row['by'] and not row['waivable'], row['id']


def test_an_enforced_rule_is_tested_under_its_own_name(rules):
    for row in rules:
        if row['status'] == 'enforced':
            assert row['test'].endswith('::test_rule[%s]' % row['id']), row['id']


def test_a_test_that_the_register_names_is_there(root, rules):
    for row in rules:
        if row['test'] and not row['test'].endswith('::test_rule[%s]' % row['id']):
            path, dummy, name = row['test'].partition('::')
            text = (root / path).read_text(encoding='utf-8')
            function, dummy, case = name.rstrip(']').partition('[')
            assert 'def %s(' % function in text and case in text, row['id']


def test_a_statement_is_a_sentence(rules):
    assert [row['id'] for row in rules if not row['statement'].endswith('.') or len(row['statement']) > 240] == []


def test_the_register_names_the_function_that_enforces_a_rule(rules):
    stages = {row['stage'] for row in rules} - {None}
    found = {(name, stage, '%s.%s' % (function.__module__.rpartition('.')[2], function.__name__))
             for stage in stages for name, function in register.of(stage, {row['id'] for row in rules})}
    named = {(row['id'], row['stage'], row['by']) for row in rules if row['status'] == 'enforced'}
    assert named <= found and {name for name, dummy, dummy in found} == {name for name, dummy, dummy in named}
