# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the judge says where neither Nova nor oslo.config has to be there; with published Nova: tests/oracle/test_start_refusals.py."""

from __future__ import annotations

import sys
import types

import pytest

PREFIX = "/run/copy"
MAIN, OURS = PREFIX + "/etc/nova/nova.conf", PREFIX + "/etc/nova/nova.conf.d/50-ai-stack-pci.conf"


class Error(Exception):
    pass


class ConfigFileParseError(Error):
    """As oslo.config has it: made while its parser's error is handled, with the words of that, which quote the line."""

    def __init__(self, config_file, msg):
        super().__init__(f"Failed to parse {config_file}: {msg}")
        self.config_file = config_file


class ParseError(Exception):
    lineno = 7


def broken(*_arguments, **_more):
    try:
        raise ParseError(f"at {MAIN}:7, No ':' or '=' found in assignment: 'hunter2'")
    except ParseError as error:
        raise ConfigFileParseError(MAIN, str(error))  # noqa: B904  oslo.config does it like this


def test_a_line_that_cannot_be_parsed_is_named_and_not_shown(modules, monkeypatch):
    config = types.SimpleNamespace(Error=Error, ConfigFileParseError=ConfigFileParseError)
    monkeypatch.setitem(sys.modules, "oslo_config", types.SimpleNamespace(cfg=config))
    monkeypatch.setattr(modules.judge, "configuration", lambda project: broken)
    service = modules.judge.Service("nova-compute", {"project": "nova", "args": [], "files": [], "dirs": []}, PREFIX)
    assert service.load() == "nova-compute: its configuration cannot be read: Failed to parse /etc/nova/nova.conf: at /etc/nova/nova.conf:7"


@pytest.mark.parametrize(
    ("lines", "refused"),
    [
        ([(OURS, 2, "A,B")], []),
        ([(MAIN, 3, "A,Site"), (OURS, 2, "A,B")], ["Site"]),
        ([(MAIN, 3, "Gone"), (MAIN, 4, "B, A"), (OURS, 2, "A,B")], []),
        # our list goes, or never was there
        ([(MAIN, 3, "A,Site")], []),
    ],
)
def test_a_filter_of_the_site_is_not_taken_away(modules, monkeypatch, lines, refused):
    known = types.SimpleNamespace(
        HostFilterHandler=lambda: types.SimpleNamespace(get_matching_classes=lambda _available: [type("A", (), {}), type("B", (), {})])
    )
    monkeypatch.setitem(sys.modules, "nova", types.SimpleNamespace())
    monkeypatch.setitem(sys.modules, "nova.scheduler", types.SimpleNamespace(filters=known))
    monkeypatch.setattr(modules.judge, "configuration", lambda project: None)
    service = modules.judge.Service("nova-scheduler", {"project": "nova", "ours": OURS}, PREFIX)
    service.conf = types.SimpleNamespace(filter_scheduler=types.SimpleNamespace(available_filters=[], enabled_filters=["A", "B"]))
    service.lines = lambda section, key: lines
    assert modules.judge.filters(service) == [
        "nova-scheduler: /etc/nova/nova.conf line 3: it has the filter %s, and our /etc/nova/nova.conf.d/50-ai-stack-pci.conf takes it away: "
        "name it in ours too, or take it out there" % name
        for name in refused
    ]


@pytest.mark.parametrize(
    ("driver", "broken", "refused"),
    [
        ("nova.quota.DbQuotaDriver", True, []),
        ("nova.quota.UnifiedLimitsDriver", False, []),
        (
            "nova.quota.UnifiedLimitsDriver",
            True,
            ["nova-api: /etc/nova/nova.conf.d/50-ai-stack-pci.conf line 2: limits cannot be read with [oslo_limit]: no login"],
        ),
    ],
)
def test_limits_are_read_before_nova_counts_by_them(modules, monkeypatch, driver, broken, refused):
    def read(self, names):
        if broken:
            raise ValueError("no login.")

    enforcer = type("Enforcer", (), {"__init__": lambda self, callback: None, "get_registered_limits": read})
    monkeypatch.setitem(sys.modules, "oslo_limit", types.SimpleNamespace(limit=types.SimpleNamespace(Enforcer=enforcer)))
    monkeypatch.setattr(modules.judge, "configuration", lambda project: None)
    service = modules.judge.Service("nova-api", {"project": "nova", "ours": OURS}, PREFIX)
    service.conf = types.SimpleNamespace(quota=types.SimpleNamespace(driver=driver))
    service.lines = lambda section, key: [(OURS, 2, driver)]
    assert modules.judge.limits(service) == refused
