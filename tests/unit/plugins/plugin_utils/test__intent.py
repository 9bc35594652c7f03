# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The intent: what is accepted, what is refused and with which words."""

from __future__ import annotations

import copy
import datetime
import json

import pytest
import yaml
from ansible_collections.sovereign.ai_stack.plugins.module_utils._compat.case import DEFAULTS
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _intent, _intent_docs, _schema

# The design's example, whole: what later versions act on is part of it.
WHOLE = yaml.safe_load("""
ai_stack_site: example
ai_stack_clouds:
  - {name: main, region: RegionOne, series: "2026.1", deployment: files, hosts: gpu_computes, admin: localhost}
ai_stack_clusters:
  - {name: ai, kubernetes: "1.37", nodes: gpu_workers}
  - {name: inside, kubernetes: "1.37", nodes: {cloud: main, project: ai, pool: h100-passthrough, count: 3}}
ai_stack_driver: {policy: production, source: cuda, flavour: auto, build: dkms, reboot: when_needed, drain: /usr/local/bin/drain, foreign: refuse,
                  lock_timeout: 300, persistence: true}
ai_stack_repositories:
  - {name: cuda, type: deb, uris: ["https://mirror.example.org/cuda"], suites: [./], signed_by: files/cuda.asc, login: site, password: xyzzy}
  - {name: packages, type: folder, path: files/packages}
ai_stack_module_signing: {certificate: /etc/ai-stack/modules.der, key: /root/plover.key, host: builder, sign_file: /usr/bin/sign-file}
ai_stack_pools:
  - name: h100-passthrough
    hosts: gpu_computes
    select: {model: H100, count: 4}
    use: passthrough
    cloud: main
    shapes: [{cards: 1, vcpus: 16, ram_gib: 192, disk_gib: 100}]
    tenants: {research: {max: 8, guaranteed: 4, until: 2027-06-30}, health: {max: 4}}
    spare: 1
  - name: h100-inference
    hosts: gpu_workers
    select: {model: H100}
    use: mig
    layout: {1g.10gb: 7}
    cluster: ai
    driver: {policy: 580}
ai_stack_access:
  identity_providers:
    - {name: corp, protocol: openid, issuer: https://idp.example.org/realms/corp, groups_claim: groups, client_id: keystone, client_secret: plugh}
  grants:
    - {provider: corp, group: ai-researchers, cloud: main, domain: corp, project: research, roles: [member],
       kubernetes: [{cluster: ai, namespace: research, cluster_role: edit}]}
ai_stack_states:
  - {host: gpu117, serial: "1650923012345", state: quarantined, reason: Xid 79, since: 2026-11-20}
ai_stack_waivers:
  - {rule: NR-49, scope: cloud main, reason: no patched package yet, approver: security board, until: 2027-01-31}
""")
SECRETS = ("xyzzy", "plugh", "plover")
KNOWN = {"group": ["all", "gpu_workers", "gpu_computes"], "host": ["gpu1", "gpu117"], "rule": ["NR-49", "ACC-4"]}


def conflicts(change=lambda intent: None, **known):
    """Conflicts of the whole example after a change, without those of things to come."""
    intent = copy.deepcopy(WHOLE)
    change(intent)
    return [row for row in _intent.validate(intent, **(known or KNOWN)) if row["rule"] != "INT-7"]


def setter(*tokens, value):
    def change(intent):
        inside = intent
        for token in tokens[:-1]:
            inside = inside[token]
        inside[tokens[-1]] = value

    return change


def test_the_designs_example_is_accepted_as_a_whole():
    assert conflicts() == []


def test_every_conflict_has_the_six_keys_of_the_contract():
    for row in _intent.validate({"ai_stack_poools": 1}):
        assert set(row) == {"rule", "host", "path", "message", "source", "nearest"}


WINDOW = {"hosts": "gpu_computes", "from": "2026-11-27T22:00Z", "until": "2026-11-28T02:00Z", "servers": "stop", "reason": "cards", "approver": "board"}
CASES = [
    # what is written, where, rule, path, part of the message, nearest
    (("ai_stack_poools",), [], "INT-1", "ai_stack_poools", "no such variable", "ai_stack_pools"),
    (("ai_stack_pools", 1, "select", "modle"), "H100", "INT-1", "ai_stack_pools[1].select.modle", "known are count, model", "model"),
    (("ai_stack_driver", "persistance"), True, "INT-1", "ai_stack_driver.persistance", "no such key", "persistence"),
    (("ai_stack_pools", 0, "driver"), {"polcy": "580"}, "INT-1", "ai_stack_pools[0].driver.polcy", "no such key", "policy"),
    (("ai_stack_pools", 1, "select", "model"), ["H100"], "INT-2", "ai_stack_pools[1].select.model", "wants text that is not empty, got a list", None),
    (("ai_stack_pools", 1, "select", "serials"), [1650923], "INT-2", "ai_stack_pools[1].select.serials[0]", "put it in quotes", None),
    (("ai_stack_clouds", 0, "series"), 2026.1, "INT-2", "ai_stack_clouds[0].series", 'like "2026.1", got a number; put it in quotes', None),
    (("ai_stack_driver", "policy"), 535.309, "INT-2", "ai_stack_driver.policy", "put it in quotes", None),
    (("ai_stack_driver", "lock_timeout"), "long", "INT-2", "ai_stack_driver.lock_timeout", "wants a whole number from 0, got text", None),
    (("ai_stack_driver", "lock_timeout"), True, "INT-2", "ai_stack_driver.lock_timeout", "got true or false", None),
    (("ai_stack_driver", "lock_timeout"), -1, "INT-3", "ai_stack_driver.lock_timeout", "wants a whole number from 0", None),
    (("ai_stack_pools",), {}, "INT-2", "ai_stack_pools", "wants a list, got a mapping", None),
    (("ai_stack_pools", 0), "h100", "INT-2", "ai_stack_pools[0]", "wants a mapping, got text", None),
    (("ai_stack_pools", 1, "layout", "1g.10gb"), 0, "INT-3", 'ai_stack_pools[1].layout["1g.10gb"]', "wants a whole number from 1", None),
    (("ai_stack_pools", 1, "use"), "miig", "INT-3", "ai_stack_pools[1].use", 'got "miig"', "mig"),
    (("ai_stack_driver", "policy"), "productoin", "INT-3", "ai_stack_driver.policy", "wants production, newest, a branch", "production"),
    (("ai_stack_repositories", 0, "uris", 0), "https://site:xyzzy@mirror.example.org/", "INT-3", "ai_stack_repositories[0].uris[0]", "without login", None),
    (("ai_stack_repositories", 0, "uris", 0), "https://mirror.example.org/?token=xyzzy", "INT-3", "ai_stack_repositories[0].uris[0]", "and query", None),
    (("ai_stack_site",), "../elsewhere", "INT-3", "ai_stack_site", "wants a name of letters", None),
    (("ai_stack_waivers", 0, "scope"), "everything", "INT-3", "ai_stack_waivers[0].scope", '"site", or one of host', None),
    (("ai_stack_waivers", 0, "until"), "soon", "INT-3", "ai_stack_waivers[0].until", "wants a date like 2027-06-30", None),
    (("ai_stack_waivers", 0, "until"), "2027-02-30", "INT-3", "ai_stack_waivers[0].until", "is no day of the calendar", None),
    (("ai_stack_pools", 0, "tenants", "research", "guaranteed"), 9, "INT-3", "ai_stack_pools[0].tenants.research.guaranteed", "at most max, which is 8", "8"),
    (("ai_stack_driver", "source"), "cudda", "INT-5", "ai_stack_driver.source", 'no repository "cudda"', "cuda"),
    (("ai_stack_pools", 0, "cloud"), "mian", "INT-5", "ai_stack_pools[0].cloud", 'no cloud "mian"', "main"),
    (("ai_stack_pools", 0, "cluster"), "ai", "INT-4", "ai_stack_pools[0].cluster", 'wants "use: host" or "use: mig" beside it', None),
    (("ai_stack_pools", 1, "cluster"), "aj", "INT-5", "ai_stack_pools[1].cluster", 'no cluster "aj"', "ai"),
    (("ai_stack_access", "grants", 0, "provider"), "corpp", "INT-5", "ai_stack_access.grants[0].provider", 'no provider "corpp"', "corp"),
    (("ai_stack_clusters", 0, "feature_gates"), {"NodeSwap": True, "nodeSwap": True}, "INT-3", "ai_stack_clusters[0].feature_gates.nodeSwap",
     "wants a name of letters and digits, the first in upper case", None),
    (("ai_stack_clusters", 0, "feature_gates"), {"A=true,B": True}, "INT-3", 'ai_stack_clusters[0].feature_gates["A=true,B"]', "the first in upper", None),
    (("ai_stack_clusters", 0, "feature_gates"), {"NodeSwap": "on"}, "INT-2", "ai_stack_clusters[0].feature_gates.NodeSwap", "wants true or false", None),
    (("ai_stack_clusters", 0, "nodes"), "gpu_worker", "INT-5", "ai_stack_clusters[0].nodes", 'no group "gpu_worker"', "gpu_workers"),
    (("ai_stack_clusters", 0, "nodes"), "gpu1", "INT-5", "ai_stack_clusters[0].nodes", '"gpu1" is a host', None),
    (("ai_stack_clusters", 1, "nodes", "pool"), "h100", "INT-5", "ai_stack_clusters[1].nodes.pool", 'no pool "h100"', None),
    (("ai_stack_states", 0, "host"), "gpu118", "INT-5", "ai_stack_states[0].host", 'no host "gpu118"', "gpu117"),
    (("ai_stack_waivers", 0, "rule"), "ACC-44", "INT-5", "ai_stack_waivers[0].rule", 'no rule "ACC-44"', "ACC-4"),
    (("ai_stack_waivers", 0, "scope"), "pool h100-infrence", "INT-5", "ai_stack_waivers[0].scope", "no pool", "h100-inference"),
    (("ai_stack_waivers", 0, "scope"), "group gpu_computs", "INT-5", "ai_stack_waivers[0].scope", "no group", "gpu_computes"),
    (("ai_stack_pools", 1, "name"), "h100-passthrough", "INT-6", "ai_stack_pools[1].name", "is the name of ai_stack_pools[0] too", None),
    (("ai_stack_windows",), [WINDOW, {**WINDOW, "hosts": "gpu1"}, {**WINDOW, "hosts": "gpu_compute"}], "INT-5", "ai_stack_windows[2].hosts",
     'no group or host "gpu_compute" in the inventory', "gpu_computes"),
    (("ai_stack_windows",), [{**WINDOW, "until": "2026-11-27T22:00Z"}], "INT-3", "ai_stack_windows[0].until", "a time after from", None),
    (("ai_stack_windows",), [{**WINDOW, "from": "2026-11-31T22:00Z"}], "INT-3", "ai_stack_windows[0].from", "no time of the calendar", None),
    (("ai_stack_windows",), [{**WINDOW, "from": "2026-11-27 22:00"}], "INT-3", "ai_stack_windows[0].from", "a time in UTC like 2026-11-27T22:00Z", None),
    (("ai_stack_windows",), [{**WINDOW, "servers": "kill"}], "INT-3", "ai_stack_windows[0].servers", "one of stop, cold_migrate, wait", None),
    (("ai_stack_clouds", 0, "hosts"), "gpu_compute", "INT-5", "ai_stack_clouds[0].hosts", 'no group or host "gpu_compute"', "gpu_computes"),
    (("ai_stack_clouds", 0, "admin"), "gpu2", "INT-5", "ai_stack_clouds[0].admin", 'no host "gpu2" in the inventory', "gpu1"),
    (("ai_stack_clouds", 0, "handover"), {"kept": {"nova-compote": {}}}, "INT-1", "ai_stack_clouds[0].handover.kept.nova-compote", "no such", "nova-compute"),
    (("ai_stack_clouds", 0, "handover"), {"kept": {"nova-api": {"pci": {"alias": ["x"]}}}}, "INT-3",
     "ai_stack_clouds[0].handover.kept.nova-api.pci.alias[0]", "which is a JSON object", None),
    (("ai_stack_pools", 0, "sharing"), {"method": "time_slicing", "replicas": 4}, "INT-4", "ai_stack_pools[0].sharing",
     'wants "use: host" and a cluster beside it', None),
    (("ai_stack_pools", 1, "sharing"), {"method": "mps", "replicas": 1}, "INT-3", "ai_stack_pools[1].sharing.replicas", "wants a whole number from 2", None),
    (("ai_stack_pools", 1, "sharing"), {"method": "mbs", "replicas": 2}, "INT-3", "ai_stack_pools[1].sharing.method", 'got "mbs"', "mps"),
    (("ai_stack_clouds", 0, "handover"), {"inventory": "multi node"}, "INT-3", "ai_stack_clouds[0].handover.inventory", "wants an absolute path", None),
]


@pytest.mark.parametrize("tokens, value, rule, path, words, near", CASES, ids=[f"{case[2]} {case[3]}" for case in CASES])
def test_a_mistake_gives_one_conflict_with_place_rule_and_nearest_choice(tokens, value, rule, path, words, near):
    found = [row for row in conflicts(setter(*tokens, value=value)) if row["path"] == path]
    assert [(row["rule"], row["nearest"]) for row in found] == [(rule, near)]
    assert words in found[0]["message"]


MISSING = [
    (("ai_stack_site",), "ai_stack_site", "is required and not set"),
    (("ai_stack_pools", 0, "use"), "ai_stack_pools[0]", 'wants the key "use"'),
    (("ai_stack_repositories", 1, "path"), "ai_stack_repositories[1]", 'wants the key "path"'),
    (("ai_stack_repositories", 0, "suites"), "ai_stack_repositories[0]", 'wants the key "suites"'),
    (("ai_stack_repositories", 0, "login"), "ai_stack_repositories[0]", '"password" wants the key "login"'),
    (("ai_stack_repositories", 0, "password"), "ai_stack_repositories[0]", '"login" wants the key "password"'),
    (("ai_stack_module_signing", "key"), "ai_stack_module_signing", 'wants the key "key"'),
    (("ai_stack_pools", 1, "layout"), "ai_stack_pools[1]", '"use: mig" wants the key "layout"'),
    (("ai_stack_waivers", 0, "until"), "ai_stack_waivers[0]", 'wants the key "until"'),
]


@pytest.mark.parametrize("tokens, path, words", MISSING, ids=[case[1] + " " + case[0][-1] for case in MISSING])
def test_a_key_that_is_needed_is_named_when_it_is_missing(tokens, path, words):
    def change(intent):
        inside = intent
        for token in tokens[:-1]:
            inside = inside[token]
        del inside[tokens[-1]]

    found = [row for row in conflicts(change) if row["rule"] == "INT-4"]
    assert [row["path"] for row in found] == [path]
    assert words in found[0]["message"]


def test_a_site_without_a_name_is_told_where_to_write_it():
    assert _intent.validate({})[0]["nearest"] == "a name of letters, digits, dots, dashes and underscores, for the group all (group_vars/all.yml)"


def test_a_layout_is_for_mig_only():
    found = [row for row in conflicts(setter("ai_stack_pools", 1, "use", value="host")) if row["rule"] == "INT-4"]
    assert [(row["path"], row["message"]) for row in found] == [("ai_stack_pools[1].layout", 'wants "use: mig" beside it')]


def test_all_mistakes_are_told_at_once():
    def change(intent):
        for tokens, value, *_dummy in (CASES[0], CASES[2], CASES[14], CASES[30]):
            setter(*tokens, value=value)(intent)

    assert len({row["path"] for row in conflicts(change)}) == 4


SECRET_PLACES = [
    ("ai_stack_repositories", 0, "password"),
    ("ai_stack_access", "identity_providers", 0, "client_secret"),
    ("ai_stack_module_signing", "key"),
]


@pytest.mark.parametrize("value", ["s3cret!", ["s3cret!"], {"s3cret!": "s3cret!"}, {"a": ["s3cret!"]}, 535309, 53530.9, True, None, datetime.date(2026, 1, 1)])
@pytest.mark.parametrize("place", SECRET_PLACES, ids=str)
def test_the_value_of_a_secret_is_in_no_conflict_whatever_its_type(place, value):
    intent = copy.deepcopy(WHOLE)
    setter(*place, value=value)(intent)
    text = json.dumps(_intent.validate(intent, **KNOWN))
    assert not any(hidden in text for hidden in ("s3cret", "535309", "53530.9", "2026-01-01"))


IN_PLACE = ["https://user:s3cret@mirror/", ["s3cret"], {"password": "s3cret"}, [["s3cret"]], [{"pasword": "s3cret", "name": ["s3cret"]}]]


@pytest.mark.parametrize("value", [*IN_PLACE, [{"name": "r", "type": "rpm", "uris": ["https://mirror/?token=s3cret"]}]])
def test_what_stands_in_the_place_of_repositories_is_not_repeated(value):
    assert "s3cret" not in json.dumps(conflicts(setter("ai_stack_repositories", value=value)))


def test_secrets_reach_neither_core_nor_digest():
    intent = _intent.of_variables(WHOLE)
    assert not any(secret in json.dumps(_intent.public(intent)) for secret in SECRETS)
    other = copy.deepcopy(intent)
    other["ai_stack_repositories"][0]["password"] = "rotated"
    assert _intent.digest(other) == _intent.digest(intent)


def test_a_digest_moves_with_what_is_wanted_and_not_with_switches_of_one_run():
    intent = _intent.of_variables(WHOLE)
    assert _intent.digest({**intent, "ai_stack_report_dir": "/elsewhere", "ai_stack_trial": True}) == _intent.digest(intent)
    changed = {**intent, "ai_stack_driver": {"policy": "580"}}
    assert [name for name, value in _intent.digests(changed).items() if _intent.digests(intent)[name] != value] == ["ai_stack_driver"]


LATER = [
    ("ai_stack_clusters", "ai_stack_clusters[1].nodes.cloud", None),
    ("ai_stack_access", "ai_stack_access", None),
]


@pytest.mark.parametrize("variable, path, near", LATER, ids=[case[1] for case in LATER])
def test_what_a_later_version_acts_on_is_refused_by_name(variable, path, near):
    found = [row for row in _intent.not_yet(_intent.of_variables(WHOLE)) if row["path"] == path]
    assert [(row["rule"], row["nearest"]) for row in found] == [("INT-7", near)]
    # the place is not part of the message: whoever prints a conflict has it beside
    assert found[0]["message"].startswith("this version of the collection does not act on ")


def test_a_vgpu_pool_is_refused_by_name():
    found = _intent.not_yet(_intent.of_variables({"ai_stack_pools": [{"name": "a", "hosts": "g", "use": "vgpu"}]}))
    assert [(row["rule"], row["path"], row["nearest"]) for row in found] == [("INT-7", "ai_stack_pools[0].use", "passthrough, host, mig")]


def test_what_is_planned_and_not_deployed_is_named():
    found = _intent.planned_only(_intent.of_variables(WHOLE))
    assert [(row["rule"], row["path"]) for row in found] == [("INT-7", "ai_stack_clouds[0].deployment")]
    assert all("deploy refuses" in row["message"] for row in found)


@pytest.mark.parametrize(
    "cloud, rules",
    [
        ({"hosts": "gpu_computes"}, []),
        ({"deployment": "packages", "hosts": "gpu1"}, []),
        ({"deployment": "packages"}, ["INT-4"]),
        ({}, ["INT-4"]),
        ({"deployment": "files", "hosts": "gpu_computes"}, ["INT-7"]),
        ({"deployment": "kolla"}, ["INT-4"]),
        ({"deployment": "openstack_ansible", "hosts": "gpu_computes"}, []),
    ],
)
def test_a_cloud_that_a_known_tool_deploys_and_that_says_its_hosts_is_acted_on(cloud, rules):
    intent = {"ai_stack_clouds": [{"name": "other", "deployment": "files"}, {"name": "main", **cloud}], "ai_stack_pools": WHOLE["ai_stack_pools"]}
    found = _intent.planned_only(_intent.of_variables(intent))
    assert [row["rule"] for row in found] == rules
    assert all(row["path"].startswith("ai_stack_clouds[1]") and "deploy refuses" in row["message"] for row in found)


@pytest.mark.parametrize("key", ["cloud", "shapes", "tenants", "spare", "guest"])
def test_what_only_passthrough_has_is_refused_elsewhere(key):
    value = {"cloud": "main", "shapes": [], "tenants": {}, "spare": 1, "guest": {}}[key]
    pool = {"name": "a", "hosts": "g", "use": "host", key: value}
    found = _intent.validate({"ai_stack_site": "x", "ai_stack_clouds": [{"name": "main"}], "ai_stack_pools": [pool]})
    assert [(row["rule"], row["path"]) for row in found] == [("INT-4", f"ai_stack_pools[0].{key}")]


def test_passthrough_wants_a_cloud():
    found = _intent.validate({"ai_stack_site": "x", "ai_stack_pools": [{"name": "a", "hosts": "g", "use": "passthrough"}]})
    assert [(row["rule"], row["path"]) for row in found] == [("INT-4", "ai_stack_pools[0]")]


@pytest.mark.parametrize("series, known", [("zed", True), ("2023.1", True), ("2026.2", True), ("yoga", False), ("2026.3", False)])
def test_a_series_is_named_as_the_tables_name_it(series, known):
    assert (_intent.validate({"ai_stack_site": "x", "ai_stack_clouds": [{"name": "main", "series": series}]}) == []) is known


def test_a_migration_of_somebody_elses_driver_is_refused_by_name():
    driver = {"foreign": "migrate"}
    pool = {"name": "a", "hosts": "g", "use": "host", "driver": driver}
    found = _intent.validate({"ai_stack_site": "x", "ai_stack_driver": driver, "ai_stack_pools": [pool]})
    assert [(row["rule"], row["nearest"]) for row in found] == [("INT-7", "refuse, adopt")] * 2
    assert {row["path"] for row in found} == {"ai_stack_driver.foreign", "ai_stack_pools[0].driver.foreign"}


def test_what_a_later_version_acts_on_may_be_there_and_empty():
    assert _intent.not_yet({"ai_stack_clouds": [], "ai_stack_access": {}, "ai_stack_pools": [{"use": "host", "tenants": {}}]}) == []


def test_the_rest_is_still_planned_when_one_part_is_refused():
    intent = _intent.of_variables(WHOLE)
    del intent["ai_stack_pools"][1]["cluster"]
    refused, usable = _intent.check(intent, **KNOWN)
    rest, places = _intent.squeezed(usable)
    assert {row["rule"] for row in refused} == {"INT-7"}
    assert [pool["name"] for pool in rest["ai_stack_pools"]] == ["h100-passthrough", "h100-inference"] and places["ai_stack_pools"] == [0, 1]
    assert rest["ai_stack_clusters"] == [WHOLE["ai_stack_clusters"][0], {"name": "inside", "kubernetes": "1.37"}]
    assert rest["ai_stack_driver"] == intent["ai_stack_driver"]


def test_a_bad_key_of_its_own_does_not_take_its_row_along():
    dummy, usable = _intent.check({"ai_stack_site": "x", "ai_stack_pools": [{"name": "a", "hosts": "g", "use": "host", "spare": 1, "colour": "red"}]})
    assert usable["ai_stack_pools"] == [{"name": "a", "hosts": "g", "use": "host"}]


FROM_COMMAND_LINE = [
    ("ai_stack_trial", "true", True),
    ("ai_stack_trial", "no", False),
    ("ai_stack_accept_cards", "gpu1 0000:17:00.0, gpu2 0000:65:00.0", ["gpu1 0000:17:00.0", "gpu2 0000:65:00.0"]),
    ("ai_stack_confirm", "branch 595 drops V100", ["branch 595 drops V100"]),
    ("ai_stack_extra_tables", "tables", ["tables"]),
]


@pytest.mark.parametrize("name, said, meant", FROM_COMMAND_LINE)
def test_what_the_command_line_can_only_say_as_text_is_understood(name, said, meant):
    intent = _intent.of_variables({"ai_stack_site": "x", name: said})
    assert intent[name] == meant and _intent.validate(intent) == []


def test_yaml_dates_and_numeric_branches_are_understood():
    intent = _intent.of_variables({"ai_stack_driver": {"policy": 580}, "ai_stack_states": [{"since": datetime.date(2026, 11, 20)}], 7: "x"})
    assert intent == {"ai_stack_driver": {"policy": "580"}, "ai_stack_states": [{"since": "2026-11-20"}], "7": "x"}


def test_without_the_library_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setattr(_intent, "jsonschema", None)
    with pytest.raises(_intent.MissingLibrary, match="needs the Python library jsonschema"):
        _intent.validate(WHOLE)


def test_nothing_that_an_operator_wrote_moves_the_cursor():
    found = _intent.validate({"ai_stack_site": "x", "ai_stack_\x1b[2Jpools": 1, "ai_stack_pools": [{"name": "a", "hosts": "g", "use": "\x1b]0;x\x07"}]})
    assert found and all(row["message"].isprintable() and row["path"].isprintable() for row in found)


def test_the_schema_is_one_of_its_draft_and_every_key_is_described():
    _intent.jsonschema.Draft202012Validator.check_schema(_schema.schema())
    for tokens, node, _dummy in _schema.keys():
        assert node.get("description"), tokens


def test_every_rule_of_the_intent_is_enforced_by_some_case():
    rules = {case[2] for case in CASES} | {"INT-4", "INT-7"}
    assert rules | {"INT-8"} == set(_intent.RULES)  # INT-8 is about templates: tests/unit/plugins/action/


def test_the_guide_has_the_default_of_every_setting_of_the_driver_from_where_the_core_has_it(monkeypatch):
    monkeypatch.setitem(DEFAULTS, "reboot", "at_full_moon")
    site, pools = (_intent_docs.guide().split(f"## `{name}`")[1].split("\n## ")[0] for name in ("ai_stack_driver", "ai_stack_pools"))
    assert "| `reboot` | one of never, when_needed | at_full_moon |" in site and "| `persistence` | true or false | true |" in site
    assert "| `[].driver.reboot` | one of never, when_needed | as `ai_stack_driver` says |" in pools
    assert {key for key in DEFAULTS if f"| `{key}` |" in site} == set(DEFAULTS) == set(_schema.schema()["$defs"]["driver"]["properties"])


def test_the_guide_names_every_variable():
    for name in _schema.schema()["properties"]:
        assert f"`{name}`" in _intent_docs.guide()
