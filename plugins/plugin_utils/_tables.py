# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only reader of plugins/compat: tables in, checked rows out.

`load()` gives `{stem: {meta, sources, rows}}`. In a row every column of the table is there (absent ones hold
the default that the table names), source keys are replaced by their texts, and `site` says whether the row is the
site's own. Rows are shared between calls: do not change them.

A wrong table raises a ValueError that names file, row and column.
"""

from __future__ import annotations

import hashlib
import itertools
import re
from functools import lru_cache
from pathlib import Path

import yaml

FOLDER = Path(__file__).resolve().parent.parent / 'compat'
# What these hold belongs to the code and the tests of this version: a row of the site could only break it.
CLOSED = frozenset(['platforms', 'rules'])

# Columns that every table has; `meta.types` of a table adds its own.
_COMMON = {'note': 'text?', 'source': 'list text', 'as_of': 'date', 'verified': 'flag'}
_PATTERNS = {
    'text': r'.*\S.*',
    'date': r'\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])',
    'month': r'\d{4}-(0[1-9]|1[0-2])',
    'hex4': r'[0-9a-f]{4}',
    'pci_id': r'[0-9a-f]{4}:[0-9a-f]{4}',
    'version': r'\d+(\.\d+)*',
    'rule_id': r'[A-Z0-9]+-[A-Z]?\d+[a-z]?',
}
_Loader = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


def load(extra=()):
    """All tables of the collection, with the rows that the folders in `extra` add."""
    tables = _shipped()
    for folder in extra:
        tables = _with_site(tables, Path(folder))
    return dict(tables)


def digests(extra=()):
    """{name: sha256} of every table; those of a site are named `site:FOLDER/FILE`."""
    found = {path.stem: _sha256(path) for path in _files(FOLDER)}
    for folder in extra:
        found.update({'site:%s/%s' % (Path(folder).name, path.stem): _sha256(path) for path in _site_files(Path(folder))})
    return found


@lru_cache(maxsize=1)
def _shipped():
    tables = {path.stem: _table(path, _read(path)) for path in _files(FOLDER)}
    for stem, table in tables.items():
        _refuse_twins(FOLDER / (stem + '.yml'), table['meta'], table['rows'])
    return tables


def _with_site(tables, folder):
    """A copy of the tables with the rows of one folder."""
    tables = dict(tables)
    for path in _site_files(folder):
        if path.stem not in tables or path.stem in CLOSED:
            known = ', '.join(sorted(set(tables) - CLOSED))
            raise ValueError('%s: there is no table of that name to add rows to (there are: %s)' % (path, known))
        old = tables[path.stem]
        new = _table(path, _read(path), old['meta'])
        rows = old['rows'] + new['rows']
        _refuse_twins(path, old['meta'], rows, len(old['rows']))
        tables[path.stem] = {'meta': old['meta'], 'sources': {**old['sources'], **new['sources']}, 'rows': rows}
    return tables


def _files(folder):
    return sorted(folder.glob('*.yml'))


def _site_files(folder):
    if not folder.is_dir():
        raise ValueError('ai_stack_extra_tables: %s is not a folder' % folder)
    return _files(folder)


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path):
    try:
        document = yaml.load(path.read_bytes(), Loader=_Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError('%s: not readable as YAML: %s' % (path, ' '.join(str(error).split()))) from error
    if not isinstance(document, dict):
        raise ValueError('%s: a table is a mapping with meta, sources and rows' % path)
    return document


def _table(path, document, shipped_meta=None):
    """The checked table of a document; a site's table takes its columns from the one it adds to."""
    meta = shipped_meta or document.get('meta')
    for part, kind in (('meta', dict), ('sources', dict), ('rows', list)):
        if not isinstance(meta if part == 'meta' else document.get(part), kind):
            raise ValueError('%s: %s is missing or not a %s' % (path, part, 'list' if kind is list else 'mapping'))
    types = {**meta['types'], **_COMMON}
    defaults = {'note': None, **meta['defaults']}
    rows = [_row(path, number, row, types, defaults, document['sources'], bool(shipped_meta))
            for number, row in enumerate(document['rows'], 1)]
    return {'meta': meta, 'sources': document['sources'], 'rows': rows}


def _row(path, number, given, types, defaults, sources, site):
    """One row, complete and checked."""
    if not isinstance(given, dict):
        raise ValueError('%s: row %d: a row is a mapping' % (path, number))
    row = {**defaults, **given}
    problem = next(_problems(row, types, sources), None)
    if problem:
        raise ValueError('%s: row %d (%s), column %s: %s' % ((path, number, _first_words(given)) + problem))
    return {**row, 'source': [sources[key] for key in row['source']], 'site': site}


def _problems(row, types, sources):
    """What is wrong with a row, as (column, problem) pairs."""
    for column in row:
        if column not in types:
            yield column, 'no such column'
    for column, kind in types.items():
        problem = _problem(row[column], kind) if column in row else 'is missing'
        if problem:
            yield column, problem
    if not row['source']:
        yield 'source', 'is empty'
    for key in row['source']:
        if key not in sources:
            yield 'source', 'there is no source %s' % key


def _first_words(row):
    """What a person knows a row by: the first texts in it."""
    return ' '.join([str(value)[:60] for value in row.values() if isinstance(value, str)][:3])


def _problem(value, kind):
    """Why a value is not of a kind, or None. Kinds: see plugins/compat/README.md."""
    if kind.endswith('?'):
        return None if value is None else _problem(value, kind[:-1])
    outer, dummy, inner = kind.partition(' ')
    if outer in ('list', 'map') and dummy:
        if not isinstance(value, list if outer == 'list' else dict):
            return '%r is no %s' % (value, 'list' if outer == 'list' else 'mapping')
        wrong = [_problem(key, 'text') for key in value] if outer == 'map' else []
        wrong += [_problem(item, inner) for item in (value.values() if outer == 'map' else value)]
        return next((problem for problem in wrong if problem), None)
    return None if _fits(value, kind) else '%r is no %s' % (value, kind.replace('|', ' or '))


def _fits(value, kind):
    if kind == 'flag':
        return isinstance(value, bool)
    if kind == 'integer':
        return isinstance(value, int) and not isinstance(value, bool)
    if kind in _PATTERNS:
        return isinstance(value, str) and re.fullmatch(_PATTERNS[kind], value) is not None
    return value in kind.split('|')


def _refuse_twins(path, meta, rows, shipped=0):
    """Two rows that answer one question would make the answer a matter of order; the first `shipped` ones are not of `path`."""
    seen = {}
    for number, row in enumerate(rows, 1 - shipped):
        # A list in a key column stands for one row per element, an empty one for "all others".
        for key in itertools.product(*[_elements(row[column]) for column in meta['key']]):
            if key in seen:
                first = 'row %d' % seen[key] if seen[key] > 0 else 'a row of the collection'
                text = ', '.join('%s %s' % pair for pair in zip(meta['key'], key) if pair[1] is not None)
                raise ValueError('%s: row %d says again what %s says (%s)' % (path, number, first, text))
            seen[key] = number


def _elements(value):
    return (value or [None]) if isinstance(value, list) else [value]
