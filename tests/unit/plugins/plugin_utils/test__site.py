# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The files of a site: reports and record."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _site

PLAN = {
    "schema": "sovereign.ai_stack/plan/1",
    "hosts": {"gpu2": {"state": "planned"}, "gpu1": {"state": "converged", "because": 'it\'s "so"'}},
    "conflicts": [],
    "warnings": [{"host": None}, {"host": "gpü"}],
    "site": None,
    "inputs": {},
}


def text(document):
    return "".join(_site.lines(document))


@pytest.mark.parametrize("document", [PLAN, {}, {"a": []}, {"a": {"b": []}}, {"a": [[]], "b": 1.5}])
def test_a_report_says_in_json_what_the_document_says(document):
    assert json.loads(text(document)) == document


def test_a_report_has_one_line_a_host_in_the_order_of_names():
    found = [line for line in text(PLAN).splitlines() if "state" in line]
    assert [line.split('"')[1] for line in found] == ["gpu1", "gpu2"]


def test_a_report_is_replaced_in_one_step_and_read_by_its_owner_only(tmp_path):
    path = tmp_path / "reports" / "example" / "plan.json"
    assert _site.write(path, ["one"]) == hashlib.sha256(b"one").hexdigest()
    before = os.stat(path).st_ino
    _site.write(path, ["tw", "o"])
    assert path.read_text() == "two" and os.stat(path).st_ino != before
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600 and stat.S_IMODE(os.stat(path.parent).st_mode) == 0o700
    assert os.listdir(path.parent) == ["plan.json"]


def test_a_report_that_cannot_be_finished_leaves_the_old_one(tmp_path):
    def chunks():
        yield "half"
        raise ValueError

    path = tmp_path / "plan.json"
    _site.write(path, ["whole"])
    with pytest.raises(ValueError):
        _site.write(path, chunks())
    assert path.read_text() == "whole" and os.listdir(tmp_path) == ["plan.json"]


def test_a_folder_that_cannot_be_written_gives_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(_site.SiteError, match="cannot be written: Not a directory|File exists"):
        _site.write(tmp_path / "file" / "plan.json", ["x"])


ROOTS = [
    ({"ai_stack_site": "example"}, "/srv/site/reports/example"),
    ({"ai_stack_site": "example", "ai_stack_report_dir": "out"}, "/srv/site/out"),
    ({"ai_stack_site": "example", "ai_stack_report_dir": "/srv/out"}, "/srv/out"),
    ({"ai_stack_site": "../../etc"}, "/srv/site/reports/unnamed"),
    ({"ai_stack_site": ["x"]}, "/srv/site/reports/unnamed"),
    ({}, "/srv/site/reports/unnamed"),
]


@pytest.mark.parametrize("intent, root", ROOTS)
def test_reports_have_a_folder_even_when_the_site_has_no_usable_name(intent, root):
    assert str(_site.report_root(intent, "/srv/site")) == root


@pytest.mark.parametrize(
    "host, name",
    [
        ("gpu1", "gpu1.json"),
        ("gpu1.example.org", "gpu1.example.org.json"),
        ("2001:db8::1", "2001:db8::1.json"),
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd.json"),
        (".hidden", "%2Ehidden.json"),
        ("größe", "gr%C3%B6%C3%9Fe.json"),
        ("a%2Fb", "a%252Fb.json"),
    ],
)
def test_a_hosts_file_stays_in_its_folder(host, name):
    assert _site.file_of(host) == name


def test_what_is_no_regular_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(_site.SiteError, match="not a regular file"):
        _site.read(tmp_path / "pipe")
    with pytest.raises(_site.SiteError, match="not a regular file"):
        _site.read(tmp_path)
    with pytest.raises(_site.SiteError, match="cannot be read: No such file"):
        _site.read(tmp_path / "absent")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 101)
    assert len(_site.read(tmp_path / "big", 101)) == 101
    with pytest.raises(_site.SiteError, match="has 101 bytes; at most 100 are read"):
        _site.read(tmp_path / "big", 100)


@pytest.mark.parametrize("data", [b"", b"[1]", b"null", b"{", b'{"a": NaN}', b"\xff\xfe{", b"[" * 100000, b'{"a":' * 100000, b'{"a": 1} x'])
def test_what_is_no_json_object_gives_one_sentence(data):
    with pytest.raises(_site.SiteError, match="^file (is not JSON|does not hold)"):
        _site.parse("file", data)


RECORD = {
    "schema": "sovereign.ai_stack/lock/1",
    "site": "example",
    "hosts": {"gpu2": {"driver": {"version": "535.309.01", "set": "nvidia-proprietary"}}, "gpu1": {}},
    "cards": [{"host": "gpu1", "address": "0000:17:00.0", "serial": "0165", "uuid": None, "slot": "5"}],
}


def test_the_record_reads_back_as_it_was_written(tmp_path):
    path = tmp_path / _site.RECORD
    _site.write(path, [_site.record_text(RECORD)])
    assert _site.read_record(path) == RECORD
    assert _site.record_text(_site.read_record(path)) == _site.record_text(RECORD)


def test_the_record_is_sorted_yaml_with_one_line_for_each_host_and_card():
    lines = _site.record_text(RECORD).splitlines()
    assert [line for line in lines if line.startswith("  ")] == sorted(
        (line for line in lines if line.startswith("  ")), key=lambda line: (line[2] == '"', line)
    )
    assert yaml.safe_load(_site.record_text({**RECORD, "hosts": {}, "cards": []})) == {**RECORD, "hosts": {}, "cards": []}


@pytest.mark.parametrize("content", ["schema: other/1\n", "- a\n", "a: [\n", "a: \x01\n", "just text\n", "? {a: b}\n: c\n"])
def test_a_record_that_is_none_of_ours_is_refused(tmp_path, content):
    path = tmp_path / _site.RECORD
    path.write_text(content)
    with pytest.raises(_site.SiteError, match="is not"):
        _site.read_record(path)


def test_no_record_and_an_empty_one_hold_nothing(tmp_path):
    assert _site.read_record(tmp_path / _site.RECORD) == {}
    (tmp_path / _site.RECORD).write_text("# nothing yet\n")
    assert _site.read_record(tmp_path / _site.RECORD) == {}


def test_the_record_lies_beside_the_inventory_and_never_inside_a_folder_that_ansible_reads(tmp_path):
    folder = tmp_path / "inventory"
    folder.mkdir()
    (folder / "hosts.yml").write_text("")
    assert _site.record_place([str(folder / "hosts.yml")], "reports") == folder / "ai_stack.lock.yml"
    assert _site.record_place([str(folder)], "reports") == tmp_path / "inventory.ai_stack.lock.yml"
    assert _site.record_place(["gpu1,", str(folder / "hosts.yml")], "reports") == folder / "ai_stack.lock.yml"
    assert str(_site.record_place(["gpu1,"], "reports")) == "reports/ai_stack.lock.yml"


@pytest.mark.parametrize(("reports", "source", "refused"), [
    ("site/reports/one", "site", True), ("site", "site", True), ("reports/one", "site", False), ("site-2/reports", "site", False),
    ("reports/one", "hosts.yml", False),
], ids=str)  # fmt: skip
def test_reports_are_not_written_where_the_next_run_would_read_them_as_hosts(tmp_path, reports, source, refused):
    (tmp_path / "site").mkdir()
    (tmp_path / "hosts.yml").touch()
    with pytest.raises(_site.SiteError, match="ai_stack_report_dir") if refused else contextlib.nullcontext():
        _site.refuse_in_inventory(tmp_path / reports, [str(tmp_path / source), "localhost,"])
