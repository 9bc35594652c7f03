# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Values of operators as files beside the plan."""

from __future__ import annotations

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _site, _values

VALUES = {"driver": {"enabled": False}, "devicePlugin": {"config": {"data": {"a": "version: v1\nflags: {}\n"}}}}
OPERATOR = {"operator": "gpu-operator", "version": "26.7.0", "namespace": "gpu-operator", "values": VALUES,
            "chart": {"name": "gpu-operator", "version": "v26.7.0", "repository": "https://charts.example.org"}}  # fmt: skip


def plan(**operators):
    rows = [{"kind": "cluster", "id": name, "decisions": [{"subject": "operator", "value": one}] if one else []} for name, one in operators.items()]
    return {"resources": [{"kind": "flavor", "id": "x"}, *rows], "conflicts": []}


@pytest.fixture
def reports(tmp_path):
    return _site.Reports(tmp_path / "reports")


def test_a_site_can_apply_what_is_written(reports):
    assert _values.save(reports, plan(ai=OPERATOR, other=None)) == {"operator-ai.yml": str(reports.path("operator-ai.yml"))}
    text = reports.path("operator-ai.yml").read_text()
    assert yaml.safe_load(text) == VALUES
    assert "helm upgrade --install gpu-operator gpu-operator --repo https://charts.example.org --version v26.7.0 --namespace gpu-operator" in text
    # what is in it can be read, and compared with that of before
    assert "a: |\n" in text and text == _values.files_of(plan(ai=OPERATOR))["operator-ai.yml"]


def test_what_nothing_decides_any_more_goes_and_a_file_of_the_site_stays(reports):
    _values.save(reports, plan(ai=OPERATOR, old=OPERATOR))
    reports.path("operator-own.yml").write_text("mine: true\n")
    assert _values.save(reports, plan(ai=OPERATOR, old=None)) != {}
    assert sorted(path.name for path in reports.root.iterdir()) == ["operator-ai.yml", "operator-own.yml"]
    assert _values.save(reports, plan()) == {} and [path.name for path in reports.root.iterdir()] == ["operator-own.yml"]


def test_a_plan_that_is_refused_takes_nothing_away(reports):
    """Of a cluster that is refused nothing is decided, and its operator runs on."""
    _values.save(reports, plan(ai=OPERATOR, other=OPERATOR))
    before = reports.path("operator-ai.yml").read_text()
    assert list(_values.save(reports, {**plan(other=OPERATOR), "conflicts": [{"rule": "K8S-V11a"}]})) == ["operator-other.yml"]
    assert reports.path("operator-ai.yml").read_text() == before
    _values.save(reports, plan(other=OPERATOR))
    assert not reports.path("operator-ai.yml").exists()
