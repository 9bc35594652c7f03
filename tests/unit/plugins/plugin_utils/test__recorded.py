# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Recorded observations: read many, share what is equal, refuse what is not as its schema says."""

from __future__ import annotations

import copy
import json
import os

import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _recorded

CARD = {"address": "0000:17:00.0", "class": "030200", "vendor": "10de", "device": "2331", "bars": [1, 2], "vpd": {"serial": "0165"}, "present": True}
GPU = {"index": 0, "address": "0000:17:00.0", "serial": "0165", "mig": {"current": "disabled", "devices": []}, "processes": 0, "error": None}
GOOD = {
    "schema": _recorded.SCHEMA,
    "at": "2026-11-25T19:00:00Z",
    "system": {"distribution": "debian", "version": "12"},
    "pci": [CARD],
    "nvml": {"status": "ok", "exit": 0, "gpus": [GPU]},
    "packages": {"manager": "apt", "installed": {"nvidia-smi": "535"}, "sets": {"a": {"definition": {"any": [1]}, "versions": {"b": []}}}},
    "a key of tomorrow": {"x": [1]},
}


def write(folder, name, document):
    (folder / f"{name}.json").write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")


def read(folder, *hosts):
    return _recorded.read_folder(str(folder), hosts)


def test_every_document_of_the_fixtures_is_as_its_schema_says(root):
    paths = sorted((root / "tests/unit/fixtures/observations").glob("*.json"))
    assert len(paths) > 10
    for path in paths:
        document = json.loads(path.read_text())
        found, digest = _recorded.Shelf().take(str(path), document["host"])
        assert found == document and digest


@pytest.mark.parametrize("host", ["gpu1", None])
def test_a_document_comes_back_as_it_was_with_the_name_that_the_inventory_has(tmp_path, host):
    write(tmp_path, "gpu1", {**GOOD, "host": host})
    assert read(tmp_path, "gpu1", "gpu2")[0] == {"gpu1": {**GOOD, "host": "gpu1"}}


def test_equal_parts_of_many_hosts_are_one_object(tmp_path):
    for name in ("gpu1", "gpu2"):
        write(tmp_path, name, GOOD)
    one, two = read(tmp_path, "gpu1", "gpu2")[0].values()
    assert one["packages"] is two["packages"] and one["pci"][0]["vpd"] is two["pci"][0]["vpd"]
    assert one["pci"][0]["vendor"] is two["pci"][0]["vendor"]


def setter(*tokens, value):
    document = copy.deepcopy(GOOD)
    inside = document
    for token in tokens[:-1]:
        inside = inside[token]
    inside[tokens[-1]] = value
    return document


WRONG = [
    ("not json", "is not JSON"),
    ("[]", "does not hold a JSON object"),
    ({"schema": "other"}, "is no document of"),
    ({}, "is no document of"),
    (setter("pci", value="cards"), "pci wants a list"),
    (setter("pci", 0, value="card"), "pci[0] wants a mapping"),
    (setter("pci", 0, "vendor", value=10), "pci[0].vendor wants text"),
    (setter("pci", 0, "address", value=None), "pci[0] has no address"),
    (setter("pci", 0, "address", value=""), "pci[0] has no address"),
    (setter("pci", 0, "bars", value=["1"]), "pci[0].bars[0] wants a number"),
    (setter("pci", 0, "bars", value={}), "pci[0].bars wants a list"),
    (setter("pci", 0, "vpd", value={"serial": ["x"]}), "pci[0].vpd.serial wants text"),
    (setter("pci", 0, "present", value="yes"), "pci[0].present wants true or false"),
    (setter("nvml", value=[]), "nvml wants a mapping"),
    (setter("nvml", "gpus", value={"a": 1}), "nvml.gpus wants a list"),
    (setter("nvml", "gpus", 0, value=None), "nvml.gpus[0] wants a mapping"),
    (setter("nvml", "gpus", 0, "serial", value={}), "nvml.gpus[0].serial wants text"),
    (setter("nvml", "gpus", 0, "mig", value={"devices": [{"profile": 1}]}), "nvml.gpus[0].mig.devices[0].profile wants text"),
    (setter("system", "version", value=12), "system.version wants text"),
    (setter("packages", "installed", value=["nvidia-smi"]), "packages.installed wants a mapping"),
    (setter("packages", "sets", "a", "versions", value={"b": ["1"]}), "packages.sets.a.versions.b[0] wants a mapping"),
    (setter("at", value=7), "at wants text"),
    (setter("at", value="yesterday"), "was made at no time that can be read: at wants a UTC time like 20"),
    (setter("at", value="2026-11-25"), "was made at no time that can be read"),
    (setter("host", value="gpu2\x1b"), "is the observation of gpu2\\x1b, not of gpu1"),
    (setter("host", value=7), "host wants text"),
    (setter("pci", 0, value={"address": "x"}), "pci[0] has no vendor"),
    (setter("pci", 0, "device", value=None), "pci[0] has no device"),
    (setter("pci", 0, "vendor", value=""), "pci[0] has no vendor"),
]


@pytest.mark.parametrize("document, words", WRONG, ids=[words for dummy, words in WRONG])
def test_a_hostile_document_costs_one_sentence_and_its_host_only(tmp_path, document, words):
    write(tmp_path, "gpu1", document)
    write(tmp_path, "gpu2", GOOD)
    documents, about, wrong = read(tmp_path, "gpu1", "gpu2")
    assert list(documents) == ["gpu2"] and list(about) == ["gpu2"]
    assert list(wrong) == ["gpu1"] and words in wrong["gpu1"] and str(tmp_path / "gpu1.json") in wrong["gpu1"]


@pytest.mark.parametrize("tokens", [("pci", 0, "vendor"), ("nvml", "gpus", 0, "index"), ("nvml", "gpus", 0, "mig")], ids=str)
def test_a_wrong_type_is_seen_after_a_thousand_right_ones(tmp_path, tokens):
    for number in range(1000):
        write(tmp_path, f"gpu{number}", GOOD)
    write(tmp_path, "last", setter(*tokens, value=[[]]))
    wrong = read(tmp_path, *[f"gpu{number}" for number in range(1000)], "last")[2]
    assert list(wrong) == ["last"]


def test_null_is_unknown_everywhere(tmp_path):
    write(tmp_path, "gpu1", {key: None if key != "schema" else value for key, value in GOOD.items()})
    write(tmp_path, "gpu2", setter("nvml", "gpus", value=None))
    identity = ("address", "vendor", "device")
    write(tmp_path, "gpu3", {**GOOD, "pci": [{key: value if key in identity else None for key, value in CARD.items()}]})
    assert read(tmp_path, "gpu1", "gpu2", "gpu3")[2] == {}


def test_what_is_no_file_of_a_host_is_not_followed(tmp_path):
    os.mkfifo(tmp_path / "gpu1.json")
    (tmp_path / "gpu2.json").mkdir()
    (tmp_path / "gpu3.json").symlink_to("/nowhere")
    assert sorted(read(tmp_path, "gpu1", "gpu2", "gpu3", "gpu4")[2]) == ["gpu1", "gpu2", "gpu3"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert read(tmp_path / "absent", "gpu1") == ({}, {}, {})


TRIAL = {"key": {"suite": "bookworm", "kernel": "6.1"}, "mode": "full", "result": "built", "errors": [], "seconds": 1, "host": "gpu1", "at": "x"}


def test_trials_are_read_and_broken_ones_named(tmp_path):
    for name, document in (("a", TRIAL), ("b", {**TRIAL, "key": {"suite": 1}}), ("c", {**TRIAL, "mode": None}), ("d", "{"), (".e", "{")):
        write(tmp_path, name, document)
    trials, wrong = _recorded.read_trials(str(tmp_path))
    assert trials == [TRIAL] and [text.partition(".json")[0][-1] for text in wrong] == ["b", "c", "d"]
    assert _recorded.read_trials(str(tmp_path / "absent")) == ([], [])
