# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Options as text, and where they stand in somebody's file."""

from __future__ import annotations

import pytest

LISTS = (("pci", "alias"), ("pci", "device_spec"))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a = 1\n", [(1, "DEFAULT", "a", "1")]),
        ("[pci]\n# a = 1\n; a = 2\n\na=3\n", [(5, "pci", "a", "3")]),
        ("[pci]\na: 1\nb-c = x:y=z\n", [(2, "pci", "a", "1"), (3, "pci", "b_c", "x:y=z")]),
        ('[pci]\nalias = {"a":\n   "b"}\nx = "q"\n', [(2, "pci", "alias", '{"a":\n"b"}'), (4, "pci", "x", "q")]),
        ("[pci]\na = 1\n\n  b = 2\n", [(2, "pci", "a", "1"), (4, "pci", "b", "2")]),
        ("nothing\n", [(1, "DEFAULT", "nothing", "")]),
        ("", []),
    ],
)
def test_a_file_is_read_as_oslo_config_reads_it(modules, text, rows):
    assert modules.options.places(text) == rows


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"pci": {"alias": ['{"name": "a"}', '{"name": "b"}'], "report_in_placement": "true"}, "quota": {"driver": "x"}},
        {"DEFAULT": {"ram_allocation_ratio": "1.0"}},
    ],
)
def test_what_is_rendered_reads_back_alike(modules, settings):
    text = modules.options.render(settings)
    assert modules.options.said(text, LISTS) == settings
    assert bool(text) == bool(settings)
    assert not text or text.startswith(modules.options.MARKER)


def test_a_host_takes_its_own_lines_and_nothing_that_is_empty(modules):
    given = {"pci": {"device_spec": {"a": ["1"], "b": ["2"]}, "alias": [], "report_in_placement": True}, "libvirt": {"num_pcie_ports": 28}}
    assert modules.options.of_host(given, "a") == {"pci": {"device_spec": ["1"], "report_in_placement": "true"}, "libvirt": {"num_pcie_ports": "28"}}
    assert modules.options.of_host(given, "c") == {"pci": {"report_in_placement": "true"}, "libvirt": {"num_pcie_ports": "28"}}


def test_what_is_said_of_other_hosts_alone_leaves_this_one_as_it_is(modules):
    given = {"pci": {"device_spec": {"a": ["1"], "b": []}, "alias": ["x"]}}
    assert [modules.options.unnamed(given, host) for host in ("a", "b", "c")] == [[], [], [("pci", "device_spec")]]
    assert modules.options.with_kept({"pci": {"alias": ["x"]}}, {"pci": {"device_spec": ["old"]}}, [("pci", "device_spec")]) == {
        "pci": {"alias": ["x"], "device_spec": ["old"]},
    }  # fmt: skip
