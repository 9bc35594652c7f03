# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reader of the tables: complete rows out, a wrong row refused with its place."""

from __future__ import annotations

import hashlib
import re
import shutil

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _tables

# A whole row of the site: every case below breaks one thing of it.
GOOD = {'vendor': '10de', 'device': '2fff', 'name': 'Example X1', 'model': 'X1', 'architecture': 'Hopper', 'flavour': 'either',
        'source': ['lab'], 'as_of': '2026-11-25', 'verified': False}


def site(folder, rows, name='accelerators.yml', sources=None):
    """A folder of a site with one table in it."""
    text = yaml.safe_dump({'sources': sources or {'lab': 'measured in the lab'}, 'rows': rows}, sort_keys=False)
    (folder / name).write_text(text, encoding='utf-8')
    return [str(folder)]


def changed(**columns):
    return [{**GOOD, **columns}]


def without(column):
    return [{key: value for key, value in GOOD.items() if key != column}]


@pytest.fixture
def forget():
    """Reads the collection's own tables anew, in the test and after it."""
    _tables._shipped.cache_clear()
    yield
    _tables._shipped.cache_clear()


def test_every_row_has_every_column_of_its_table(tables):
    for stem, table in tables.items():
        columns = set(table['meta']['columns']) | {'note', 'source', 'as_of', 'verified', 'site'}
        assert [sorted(columns ^ set(row)) for row in table['rows'] if set(row) != columns] == [], stem


def test_sources_are_texts_and_shipped_rows_are_not_the_sites(tables):
    for stem, table in tables.items():
        texts = set(table['sources'].values())
        assert all(set(row['source']) <= texts and row['site'] is False for row in table['rows']), stem


def test_a_row_of_the_site_is_added_and_marked(tmp_path):
    before = len(_tables.load()['accelerators']['rows'])
    rows = _tables.load(site(tmp_path, [GOOD]))['accelerators']['rows']
    assert len(rows) == before + 1
    assert rows[-1] == {**rows[-1], 'site': True, 'source': ['measured in the lab'], 'subsystems': [], 'driver': 'nvidia', 'first_version': {}}
    assert len(_tables.load()['accelerators']['rows']) == before


REFUSED = {
    'unknown column': (changed(colour='green'), ['row 1 (10de 2fff Example X1)', 'column colour', 'no such column']),
    'missing column': (without('model'), ['row 1', 'column model', 'is missing']),
    'missing date': (without('as_of'), ['row 1', 'column as_of', 'is missing']),
    'id that is no id': (changed(device='XYZ1'), ['row 1', 'column device', 'hex4']),
    'id in capitals': (changed(device='2FFF'), ['row 1', 'column device', 'hex4']),
    'id that YAML made a number': (changed(device=2330), ['row 1', 'column device', 'hex4']),
    'subsystem without vendor': (changed(subsystems=['1626']), ['row 1', 'column subsystems', 'pci_id']),
    'unknown choice': (changed(flavour='closed'), ['row 1', 'column flavour', 'open_only or proprietary_only or either']),
    'yes instead of true': (changed(verified='yes'), ['row 1', 'column verified', 'flag']),
    'date that is no date': (changed(as_of='25.11.2026'), ['row 1', 'column as_of', 'date']),
    'list that is none': (changed(subsystems='10de:1626'), ['row 1', 'column subsystems', 'list']),
    'mapping that is none': (changed(first_version=['580.65.06']), ['row 1', 'column first_version', 'mapping']),
    'version that is none': (changed(first_version={'580': 'latest'}), ['row 1', 'column first_version', 'version']),
    'null where something must be': (changed(name=None), ['row 1', 'column name', 'text']),
    'source that is not named': (changed(source=['lab', 'rumour']), ['row 1', 'column source', 'there is no source rumour']),
    'no source': (changed(source=[]), ['row 1', 'column source', 'empty']),
    'second row of two': ([GOOD, {**GOOD, 'device': '2ffe', 'mig': 'maybe'}], ['row 2 (10de 2ffe Example X1)', 'column mig', 'flag']),
    'row that is no mapping': (['2fff'], ['row 1', 'a row is a mapping']),
    'second row for a card': ([GOOD, GOOD], ['row 2 says again what row 1 says', 'device 2fff']),
    'card of the collection': (changed(device='2331', subsystems=['10de:1626']), ['row 1 says again what a row of the collection says', '10de:1626']),
}


@pytest.mark.parametrize('rows, words', REFUSED.values(), ids=REFUSED)
def test_a_wrong_row_is_refused_with_its_place(tmp_path, rows, words):
    with pytest.raises(ValueError) as error:
        _tables.load(site(tmp_path, rows))
    for word in [str(tmp_path / 'accelerators.yml')] + words:
        assert word in str(error.value)


FILES = {
    'table that there is not': ('gpus.yml', 'sources: {}\nrows: []\n', 'there is no table of that name'),
    'register of the rules': ('rules.yml', 'sources: {}\nrows: []\n', 'there is no table of that name'),
    'broken YAML': ('accelerators.yml', 'rows: [\n', 'not readable as YAML'),
    'list': ('accelerators.yml', '- 1\n', 'a table is a mapping'),
    'no sources': ('accelerators.yml', 'rows: []\n', 'sources is missing'),
    'rows that are no list': ('accelerators.yml', 'sources: {}\nrows: {}\n', 'rows is missing or not a list'),
    'code in YAML': ('accelerators.yml', 'rows: !!python/object/apply:os.system [true]\n', 'not readable as YAML'),
}


@pytest.mark.parametrize('name, text, word', FILES.values(), ids=FILES)
def test_a_wrong_file_is_refused_by_name(tmp_path, name, text, word):
    (tmp_path / name).write_text(text, encoding='utf-8')
    with pytest.raises(ValueError) as error:
        _tables.load([tmp_path])
    assert str(tmp_path / name) in str(error.value) and word in str(error.value)


def test_a_folder_that_is_not_there_is_refused_by_name(tmp_path):
    for read in (_tables.load, _tables.digests):
        with pytest.raises(ValueError, match='ai_stack_extra_tables: .*nowhere is not a folder'):
            read([tmp_path / 'nowhere'])


@pytest.mark.parametrize('good, bad, words', [
    ('flavour: open_only', 'flavour: opn_only', 'accelerators.yml: row 1 (10de 2901 NVIDIA B200), column flavour'),
    ('device: "2909", subsystems: ["10de:22eb"]', 'device: "2901", subsystems: ["10de:1999"]', 'accelerators.yml: row 2 says again what row 1 says')])
def test_a_wrong_row_of_the_collection_is_refused_too(tmp_path, monkeypatch, forget, good, bad, words):
    folder = tmp_path / 'compat'
    shutil.copytree(_tables.FOLDER, folder)
    text = (folder / 'accelerators.yml').read_text(encoding='utf-8')
    assert good in text
    (folder / 'accelerators.yml').write_text(text.replace(good, bad, 1), encoding='utf-8')
    monkeypatch.setattr(_tables, 'FOLDER', folder)
    with pytest.raises(ValueError) as error:
        _tables.load()
    assert words in str(error.value)


def test_the_tables_are_read_once(monkeypatch, forget):
    _tables.load()
    monkeypatch.setattr(_tables, '_read', lambda path: pytest.fail('%s is read again' % path))
    assert _tables.load()['rules']['rows']


def test_digests_are_those_of_the_files(tmp_path):
    extra = site(tmp_path, [GOOD])
    found = _tables.digests(extra)
    for path in _tables.FOLDER.glob('*.yml'):
        assert found[path.stem] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found['site:%s/accelerators' % tmp_path.name] == hashlib.sha256((tmp_path / 'accelerators.yml').read_bytes()).hexdigest()
    assert set(_tables.digests()) == set(_tables.load())


def test_the_example_of_the_guide_is_read(root, tmp_path):
    guide = (root / 'docs' / 'howto-add-a-card.md').read_text(encoding='utf-8')
    example = re.search(r'```yaml\n(# site-tables/accelerators\.yml\n.*?)```', guide, re.DOTALL).group(1)
    (tmp_path / 'accelerators.yml').write_text(example, encoding='utf-8')
    assert _tables.load([tmp_path])['accelerators']['rows'][-1]['site'] is True
    (tmp_path / 'accelerators.yml').write_text(example.replace('flavour: either', 'flavour: closed'), encoding='utf-8')
    with pytest.raises(ValueError) as error:
        _tables.load([tmp_path])
    assert str(error.value).rpartition('accelerators.yml: ')[2] in guide
