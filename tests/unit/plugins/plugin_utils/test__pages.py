# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The pages of a plan and of its evidence: complete, in the right order, small, and inert whatever a host says."""

from __future__ import annotations

import base64
import copy
import hashlib
import importlib.util
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _pages
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils._pages import _hosts, _plan, _plan_hosts, _text

_SPEC = importlib.util.spec_from_file_location("sites", Path(__file__).resolve().parents[3] / "pages" / "sites.py")
sites = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(sites)

PLAN, EVIDENCE = sites.sample("plan"), sites.sample("evidence")
MEGABYTE = 1_000_000


class Page(HTMLParser):
    """What a page consists of: its elements with attributes, its text, its scripts and styles."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.words, self.raw, self._inside = [], [], {"script": [], "style": [], "title": []}, None
        self.feed(text)
        self.close()
        self.text = re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._inside = tag if tag in self.raw else None
        if self._inside:
            self.raw[tag].append("")

    def handle_endtag(self, tag):
        self._inside = None if tag == self._inside else self._inside

    def handle_data(self, data):
        if self._inside:
            self.raw[self._inside][-1] += data
        else:
            self.words.append(data)

    @property
    def tags(self):
        return {tag for tag, dummy in self.elements}

    def attributes(self, name):
        return [attrs[name] for dummy, attrs in self.elements if name in attrs]


def both(plan=PLAN, evidence=EVIDENCE):
    return [_pages.render_plan(plan), _pages.render_evidence(evidence, plan)]


@pytest.fixture(scope="module")
def plan_page():
    return Page(_pages.render_plan(PLAN))


@pytest.fixture(scope="module")
def evidence_page():
    return Page(_pages.render_evidence(EVIDENCE, PLAN))


# A page is complete


@pytest.mark.parametrize("part", ["conflicts", "warnings", "waived"])
@pytest.mark.parametrize("key", ["rule", "host", "path", "message", "source", "nearest", "approver", "until"])
def test_the_plan_page_shows_every_key_of_a_finding(plan_page, part, key):
    for item in PLAN[part]:
        assert not item.get(key) or str(item[key]) in plan_page.text


@pytest.mark.parametrize("key", ["subject", "because", "rule", "source"])
def test_the_plan_page_shows_every_decision_with_its_reason_rule_and_source(plan_page, key):
    for host in PLAN["hosts"].values():
        assert all(str(row[key]) in plan_page.text for row in host["decisions"] if row[key])


def test_the_plan_page_shows_values_and_changes_down_to_the_last_entry(plan_page):
    for host in PLAN["hosts"].values():
        for value in [row["value"] for row in host["decisions"]] + [row[end] for row in host["changes"] for end in ("resource", "before", "after")]:
            assert all(leaf in plan_page.text for leaf in leaves(value))


def leaves(value):
    if isinstance(value, dict):
        return [leaf for pair in value.items() for part in pair for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [value] if isinstance(value, str) else []


def test_the_plan_page_shows_every_host_card_step_artefact_and_input(plan_page):
    cards = [card[key] for host in PLAN["hosts"].values() for card in host["cards"] for key in ("address", "name", "serial", "status") if card[key]]
    inputs = [*PLAN["inputs"]["tables"].values(), *(row["sha256"] for row in PLAN["inputs"]["observations"].values())]
    artefacts = [row[key] for row in PLAN["artefacts"] for key in ("name", "version", "source", "digest")]
    reasons = [host["because"] for host in PLAN["hosts"].values()]
    for text in [*PLAN["hosts"], *cards, *inputs, *artefacts, *reasons, *(step["what"] for step in PLAN["steps"]), PLAN["inputs"]["intent_sha256"]]:
        assert text in plan_page.text


@pytest.mark.parametrize("key", ["id", "promise", "expected", "observed", "how", "rule"])
def test_the_evidence_page_shows_every_key_of_a_check(evidence_page, key):
    for check in EVIDENCE["checks"]:
        assert all(leaf in evidence_page.text for leaf in leaves(check[key]))


def test_the_evidence_page_says_which_plan_it_proves_who_waived_and_what_it_says_nothing_about(evidence_page):
    assert EVIDENCE["plan_sha256"] in evidence_page.text
    assert "platform board" in evidence_page.text and "2027-01-31" in evidence_page.text
    assert re.search(r"Not part of it .*none1.*hgx2 , kepler1 , runfile1.*dark1", evidence_page.text.replace(",", " ,"))


# The worst comes first, and the verdict says it


def test_conflicts_come_before_everything_else_and_inputs_last(plan_page):
    sections = [attrs["id"] for tag, attrs in plan_page.elements if tag == "section"]
    assert sections == ["conflicts", "warnings", "waived", "steps", "hosts", "artefacts", "inputs"]


def test_failing_and_unknown_observations_come_first(evidence_page):
    order = [int(number) for number in evidence_page.attributes("data-s")]
    assert order == sorted(order) and order[0] == 0


def changed(document, **parts):
    return {**copy.deepcopy(document), **parts}


QUIET = {name: {**host, "state": "converged", "changes": []} for name, host in PLAN["hosts"].items() if host["state"] == "planned"}
VERDICTS = [
    ({}, "Not ready: 3 conflicts"),
    ({"conflicts": PLAN["conflicts"][:1]}, "Not ready: 1 conflict"),
    ({"conflicts": []}, "Ready to deploy, 1 host is unknown"),
    ({"conflicts": [], "hosts": {"hgx1": PLAN["hosts"]["hgx1"]}}, "Ready to deploy"),
    ({"conflicts": [], "hosts": QUIET}, "Nothing to do"),
    ({"conflicts": [], "hosts": {}}, "Nothing to do"),
    ({"conflicts": [], "hosts": {"new": {"state": "a state of tomorrow"}}}, "Nothing to do, 1 host is unknown"),
]


@pytest.mark.parametrize("parts, words", VERDICTS, ids=[words for dummy, words in VERDICTS])
def test_the_title_of_a_plan_is_its_verdict(parts, words):
    assert Page(_pages.render_plan(changed(PLAN, **parts))).raw["title"][0].startswith(words + " - ")


PASS = [check for check in EVIDENCE["checks"] if check["status"] == "pass"]
PROOFS = [
    (EVIDENCE["checks"], "Not proven: 1 fail, 1 unknown"),
    (PASS, "Proven"),
    ([], "Nothing is proven"),
    ([{**PASS[0], "status": "not_applicable"}], "Nothing is proven"),
    ([{**PASS[0], "status": "waived"}], "Nothing is proven"),
    ([{**PASS[0], "status": "unknown"}], "Not proven: 1 unknown"),
    ([{**PASS[0], "status": "passed"}], "Not proven: 1 unknown"),
    ([{**PASS[0], "status": None}, *PASS], "Not proven: 1 unknown"),
]


@pytest.mark.parametrize("checks, words", PROOFS)
def test_evidence_is_proof_only_when_nothing_fails_and_nothing_is_unknown(checks, words):
    page = Page(_pages.render_evidence(changed(EVIDENCE, checks=checks)))
    assert page.raw["title"][0].startswith(words + " - ")


def test_recorded_files_that_agree_are_no_proof():
    page = Page(_pages.render_evidence(changed(EVIDENCE, checks=PASS, observed="recorded")))
    assert page.raw["title"][0].startswith("Recorded files agree with the plan - ") and "No host was contacted." in page.text


def test_a_planned_host_without_any_observation_is_named():
    checks = [check for check in EVIDENCE["checks"] if check["host"] != "amd1"]
    assert re.search(r"Planned, not observed\s+nothing proven\s+amd1", Page(_pages.render_evidence(changed(EVIDENCE, checks=checks), PLAN)).text)


def test_a_summary_that_differs_from_the_checks_is_named():
    page = Page(_pages.render_evidence(changed(EVIDENCE, summary={"pass": 99, "fail": 1})))
    assert "The document's own summary says 99 for pass, its checks say 33." in page.text


def test_one_way_doors_have_a_section_of_their_own():
    plan = copy.deepcopy(PLAN)
    plan["hosts"]["hgx1"]["changes"][0]["irreversible"] = True
    plan["resources"] = [{"kind": "quota", "id": "main", "decisions": [], "changes": [{"resource": "report_in_placement", "irreversible": True}]}]
    page = Page(_pages.render_plan(plan))
    assert re.search(r"Changes that cannot be undone.*hgx1 .*package:.*quota main .*report_in_placement", page.text)
    assert any(attrs.get("id") == "resources" for tag, attrs in page.elements if tag == "section")


def test_a_refused_host_pays_nothing_and_a_decision_against_a_reboot_counts():
    plan = copy.deepcopy(PLAN)
    plan["hosts"]["hgx1"]["state"] = "refused"
    for row in plan["hosts"]["mixed1"]["decisions"]:
        row["value"] = False if row["subject"] == "reboot" else row["value"]
    counts = dict(_plan.view(plan)["paid"])
    assert counts["reboot"] == dict(_plan.view(PLAN)["paid"])["reboot"] - 2


def test_findings_of_the_same_hosts_stand_together_under_one_heading():
    rows = [{**PLAN["conflicts"][0], "host": host, "message": text} for text in ("first", "second") for host in ("a1", "a2")]
    rows.append({**PLAN["conflicts"][1], "host": None, "message": "third"})
    text = Page(_pages.render_plan(changed(PLAN, conflicts=rows))).text
    assert re.search(r"Not ready: 5 conflicts.*Conflicts\s+a1, a2 2 hosts\s+ACC-1 first.*ACC-1 second.*the site\s+ACC-6 third", text)


def test_a_source_of_many_parts_is_folded_and_complete():
    text = Page(_pages.render_plan(changed(PLAN, conflicts=[{**PLAN["conflicts"][0], "source": "one; two; three"}]))).text
    assert re.search(r"Source\s+one and 2 more sources\s+two\s+three", text)


# Unknown is a value of its own


def test_null_reads_unknown_and_a_missing_resource_reads_absent(plan_page):
    assert "unknown" in _text.show(None) and "absent" in plan_page.text
    assert re.search(r"Tesla K80\s+unknown\s+no pool\s+unassigned", plan_page.text)


def test_hosts_with_unlike_cards_share_no_block():
    cards = {"a": ("H100", "ok"), "b": ("A100", "ok"), "c": ("H100", "ok"), "d": ("H100", "dead")}
    hosts = {name: {"state": "refused", "cards": [{"model": model, "status": status}]} for name, (model, status) in cards.items()}
    assert [names for _state, names in _plan_hosts.groups(hosts)] == [["a", "c"], ["b"], ["d"]]


def test_a_plan_from_recorded_files_says_so(plan_page):
    words = "from recorded files, no host was contacted"
    recorded = Page(_pages.render_plan({**PLAN, "inputs": {**PLAN["inputs"], "observed": "recorded"}}))
    assert words in recorded.text and "recorded files" not in plan_page.text


@pytest.mark.parametrize("document", [{}, {"hosts": {"a": {}}, "conflicts": [{}], "steps": [{}], "resources": [{}], "artefacts": [{}], "inputs": {}}])
def test_a_document_that_lacks_keys_still_becomes_a_page(document):
    assert "</html>" in _pages.render_plan(document)


@pytest.mark.parametrize(("status", "observed", "reads"), [
    ("fail", {"nvidia-smi": None}, "nvidia-smi absent"),
    ("fail", [None], "absent"),
    ("fail", None, "absent"),
    ("waived", {"version": None}, "version absent"),
    ("pass", {"version": None}, "version absent"),
    ("unknown", {"version": None}, "version unknown"),
    ("unknown", None, "unknown"),
    ("a status of tomorrow", None, "unknown"),
])  # fmt: skip
def test_what_is_not_installed_reads_absent_and_only_what_is_not_known_reads_unknown(status, observed, reads):
    check = {**PASS[0], "status": status, "expected": "595.91.07", "observed": observed, "how": "package database"}
    text = Page(_pages.render_evidence({**EVIDENCE, "checks": [check]}, PLAN)).text
    assert f"595.91.07 {reads} package database" in text


def test_a_check_that_does_not_apply_expects_nothing():
    check = {**PASS[0], "status": "not_applicable", "expected": None, "observed": "no card here has a GSP"}
    assert "none no card here has a GSP" in Page(_pages.render_evidence({**EVIDENCE, "checks": [check]}, PLAN)).text


@pytest.mark.parametrize("document", [{}, {"checks": [{}]}, {"checks": [{"host": "a", "id": None, "status": []}]}])
def test_evidence_that_lacks_keys_is_unknown(document):
    if document.get("checks", [{}])[0].get("status") == []:
        document["checks"][0]["status"] = None
    assert "</html>" in _pages.render_evidence(document)


def test_a_name_that_a_template_does_not_know_is_an_error_of_ours():
    with pytest.raises(jinja2.UndefinedError):
        _pages._environment().from_string("{{ page.verdikt }}").render(page={})


# A page loads nothing and runs nothing but its own script


@pytest.mark.parametrize("number", [0, 1])
def test_a_page_names_its_script_and_style_by_digest_and_asks_for_nothing(number):
    page = Page(both()[number])
    policy = next(attrs["content"] for tag, attrs in page.elements if attrs.get("http-equiv") == "Content-Security-Policy")
    digests = {kind: "'sha256-" + base64.b64encode(hashlib.sha256(page.raw[kind][-1].encode()).digest()).decode() + "'" for kind in ("script", "style")}
    wanted = ["default-src 'none'", f"script-src {digests['script']}", f"style-src {digests['style']}", "base-uri 'none'", "form-action 'none'"]
    assert policy.split("; ") == [*wanted, "require-trusted-types-for 'script'"]
    assert len(page.raw["script"]) == 2 and len(page.raw["style"]) == 1
    assert not page.tags & {"link", "img", "iframe", "object", "embed", "base", "form", "audio", "video", "source"}
    assert not page.attributes("src") and not page.attributes("style") and not re.search(r"url\(|@import|fetch|XMLHttp|innerHTML", str(page.raw))
    assert all(re.fullmatch(r"#[a-z]+\d*", address) for address in page.attributes("href"))


# What others say is text


def shape(text):
    """Elements and attributes of a page but those of values: the frame that no host may change."""
    return {tag for tag, dummy in Page(text).elements}, {name for dummy, attrs in Page(text).elements for name in attrs}


@pytest.mark.parametrize("text", sites.HOSTILE.values(), ids=sites.HOSTILE)
def test_a_hostile_string_in_every_field_is_shown_and_changes_nothing(text):
    clean = [shape(page) for page in both()]
    for page, (tags, names) in zip(both(sites.planted(PLAN, text), sites.planted(EVIDENCE, text)), clean):
        found = Page(page)
        assert found.tags <= tags | {"br"} and {name for dummy, attrs in found.elements for name in attrs} <= names
        assert sites.MARK not in str([attrs for dummy, attrs in found.elements]), "an attribute carries data"
        assert len(found.raw["script"]) == 2 and len(found.raw["style"]) == 1 and found.raw["script"][1] == Page(both()[0]).raw["script"][1]
        assert found.text.count(sites.MARK) > 100
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff\U000e0000-\U000e007f]", page)
        page.encode("utf-8")


def test_a_template_of_a_host_stays_as_it_was_written():
    page = Page(both(sites.planted(PLAN, sites.HOSTILE["template"]))[0])
    assert "{{ 7*7 }}{% for x in range(9) %}" in page.text and "{# no #}" in page.text


MARKS = [
    ("a\u202eb", 'a<span class="ctl">U+202E</span>b'),
    ("\x1b[0m", '<span class="ctl">U+001B</span>[0m'),
    ("\ud800", '<span class="ctl">U+D800</span>'),
    ("\U000e0041", '<span class="ctl">U+E0041</span>'),
    ("a\u00a0b", 'a<span class="ctl">U+00A0</span>b'),
    ("one\ntwo", 'one<span class="ctl">U+000A</span><br>two'),
    ("gr\u00fc\u00df \u05d0 \u4e2d", "gr\u00fc\u00df \u05d0 \u4e2d"),
    ("A" * 80, f'<span class="long">{"A" * 80}</span>'),
    ("A" * 79 + " A", "A" * 79 + " A"),
    ("<b>&'\"", "&lt;b&gt;&amp;&#39;&#34;"),
    ("a" + "\u0301" * 5, "a" + "\u0301" * 3 + '<span class="ctl">U+0301</span>' * 2),
]


@pytest.mark.parametrize("text, html", MARKS, ids=[ascii(text) for text, dummy in MARKS])
def test_what_cannot_be_seen_is_shown_by_its_code(text, html):
    assert _text.show(text) == html


VALUES = [
    (True, "yes"),
    (False, "no"),
    (0, "0"),
    (1.5, "1.5"),
    ("", '<i class="none">empty</i>'),
    ([], '<i class="none">none</i>'),
    ({}, '<i class="none">none</i>'),
    (["a", 1], '<ul class="v"><li>a<li>1</ul>'),
    ({"k<": "v"}, '<ul class="v"><li><b>k&lt;</b> v</ul>'),
]


@pytest.mark.parametrize("value, html", VALUES, ids=[repr(value) for value, dummy in VALUES])
def test_a_value_of_any_kind_reads_well(value, html):
    assert _text.show(value) == html


def test_a_deep_long_or_wide_value_is_cut_and_says_so():
    deep = current = {}
    for _level in range(50):
        current["k"] = current = {}
    assert "nested deeper" in _text.show(deep)
    assert "(9000 characters in all)" in _text.show("A" * 9000) and len(_text.show("A" * 9000)) < 2000
    assert "600 more in the JSON document" in _text.show(list(range(1000)))


def test_the_island_is_json_that_cannot_end_its_element():
    value = {"a": "</script><!--&\u2028\u2029\ud800"}
    packed = str(_text.island(value))
    assert packed.isascii() and not set("<>&") & set(packed) and json.loads(packed) == value


TIMES = [
    ("2026-11-25T19:42:07Z", "<time>2026-11-25 19:42 UTC</time>"),
    ("2026-11-25T19:42:07.123+00:00", "<time>2026-11-25 19:42 UTC</time>"),
    ("2026-11-25T19:42:07+02:00", "2026-11-25T19:42:07+02:00"),
    ("yesterday<b>", "yesterday&lt;b&gt;"),
    (None, '<i class="none">unknown</i>'),
]


@pytest.mark.parametrize("value, html", TIMES, ids=[str(value) for value, dummy in TIMES])
def test_a_time_is_shortened_and_anything_else_stays(value, html):
    assert _text.moment(value) == html


# Many hosts


RANGES = [
    (["gpu2", "gpu10", "gpu1", "gpu3"], [["gpu", 1, 3, 1, ""], "gpu10"]),
    (["n008", "n009", "n010"], [["n", 8, 10, 3, ""]]),
    (["n8", "n9", "n10"], ["n8", "n9", "n10"]),
    (["a1", "a2"], ["a1", "a2"]),
    (["a1.x", "a2.x", "a3.x", "a3.y"], [["a", 1, 3, 1, ".x"], "a3.y"]),
    (["web", "db"], ["db", "web"]),
    (["a1", "a1b", "a01"], None),
    ([], []),
    (["x" + "9" * 40, "\u0663\u0664", "", "<1>", "<2>", "<3>"], None),
]


def spell(prefix, first, last, width, suffix):
    return ["%s%0*d%s" % (prefix, width, number, suffix) for number in range(first, last + 1)]


@pytest.mark.parametrize("names, wanted", RANGES, ids=[str(names)[:30] for names, dummy in RANGES])
def test_names_become_ranges_that_stand_for_exactly_these_names(names, wanted):
    found = _hosts.ranges(names)
    spelled = [name for part in found for name in ([part] if isinstance(part, str) else spell(*part))]
    assert sorted(spelled) == sorted(names) and (wanted is None or found == wanted)


def test_equal_documents_have_one_key_and_different_ones_have_not():
    class Text(str):
        pass

    assert _hosts.mark(["a", {"b": None}]) == _hosts.mark(json.loads('["a", {"b": null}]'))
    assert len({_hosts.mark(value) for value in (1, True, "1", None, "", [], {}, [1], ["1"], "\ud800")}) == 10
    assert _hosts.mark([Text("a")]) == _hosts.mark([Text("a")])


@pytest.mark.parametrize("alike", [True, False])
def test_a_thousand_hosts_have_a_row_each_and_every_card_is_there(alike):
    plan = sites.plan_of(1000, alike)
    text = _pages.render_plan(plan)
    page = Page(text)
    body = text.split('id="host"')[1].split("</table>")[0]
    assert len(text.encode()) < 3 * MEGABYTE and body.count("<tr data-s=") == 1000
    assert set(plan["hosts"]) <= set(re.findall(r"gpu\d{5}", text))
    assert {card["serial"] for host in plan["hosts"].values() for card in host["cards"]} <= set(re.findall(r"165\d{10}", text))
    assert not page.attributes("data-n")


def test_blocks_beyond_the_drawn_ones_are_complete_in_the_island():
    plan = sites.plan_of(300, alike=False)
    data = json.loads(Page(_pages.render_plan(plan)).raw["script"][0])
    assert len(data["blocks"]) == 300 - _plan_hosts.MAX_OPEN
    decisions, changes, cards = data["blocks"]["299"]
    host = plan["hosts"]["gpu00299"]
    assert [data["rows"][number][0] for number in decisions] == [row["subject"] for row in host["decisions"]]
    assert [data["rows"][number][0] for number in changes] == [row["resource"] for row in host["changes"]]
    assert [card[3] for card in cards] == [card["serial"] for card in host["cards"]] and cards[0][0] == "gpu00299"


def test_ten_thousand_hosts_make_a_small_page_where_equal_hosts_share_a_block():
    text = _pages.render_plan(sites.plan_of(10000))
    page = Page(text)
    assert len(text.encode()) < MEGABYTE / 2 and "applies to 9,800 hosts" in page.text and "applies to 200 hosts" in page.text
    data = json.loads(page.raw["script"][0])
    spelled = [name for parts in data["names"].values() for part in parts for name in ([part] if isinstance(part, str) else range(part[1], part[2] + 1))]
    assert len(spelled) == 10000 and not re.search(r"165\d{10}", page.text), "a healthy card of a big site is in plan.json only"


def test_a_card_that_is_not_well_is_listed_on_a_site_of_any_size():
    plan = sites.plan_of(3000)
    plan["hosts"]["gpu00777"]["cards"][3]["status"] = "dead"
    page = Page(_pages.render_plan(plan))
    assert plan["hosts"]["gpu00777"]["cards"][3]["serial"] in page.text and plan["hosts"]["gpu00777"]["cards"][2]["serial"] not in page.text


def test_different_hosts_of_a_big_site_are_counted_in_full_and_cut_with_a_word():
    plan = sites.plan_of(4000, alike=False)
    text = _pages.render_plan(plan)
    page = Page(text)
    changes = sum(len(host["changes"]) for host in plan["hosts"].values())
    assert len(text.encode()) < 3 * MEGABYTE and f"{changes:,}" in page.text
    assert "2,000 more groups of together 2,000 hosts in plan.json" in page.text


def test_a_reboot_host_by_host_is_one_row_of_a_long_plan():
    names = [f"gpu{number:04d}" for number in range(1, 5001)]
    steps = [{"n": 1, "wave": 1, "what": "install", "targets": names, "needs": [], "costs": None}]
    steps += [{"n": n, "wave": n, "what": "reboot", "targets": [name], "needs": [1], "costs": "reboot"} for n, name in enumerate(names, 2)]
    steps += [{"n": 5002, "wave": 5002, "what": "verify", "targets": names, "needs": list(range(2, 5002)), "costs": None}]
    text = _pages.render_plan(changed(PLAN, steps=steps))
    page = Page(text)
    assert "Waves 2 to 5001, 5,000 steps one after another" in page.text and len(text.encode()) < MEGABYTE / 4
    assert re.search(r"install .*reboot .*gpu0001 to gpu5000 .*verify", page.text)


def test_equal_findings_of_many_hosts_are_one():
    page = Page(_pages.render_plan(sites.plan_of(1000)))
    assert len([tag for tag, attrs in page.elements if attrs.get("class") == "find"]) == 1 and "20 hosts" in page.text
    assert "gpu00850" in page.text, "a host beyond the first ranges is named too"


@pytest.mark.parametrize("count, alike, most", [(10000, True, MEGABYTE / 10), (2000, False, 2 * MEGABYTE)])
def test_evidence_of_many_hosts_counts_all_and_stays_small(count, alike, most):
    text = _pages.render_evidence(sites.evidence_of(count, alike))
    assert len(text.encode()) < most and f"Not proven: {count // 100} fail" in text
    assert f"{count - count // 100:,}" in Page(text).text


def test_equal_observations_of_many_hosts_are_one_row_with_its_first_and_last_time():
    page = Page(_pages.render_evidence(sites.evidence_of(500)))
    assert "2026-11-25 20:00 UTC to 2026-11-25 20:59 UTC" in page.text


# For every reader


@pytest.mark.parametrize("number", [0, 1])
def test_landmarks_headings_captions_and_labels_are_there(number):
    text = both()[number]
    page = Page(text)
    assert {"header", "nav", "main", "footer", "h1"} <= page.tags and ("html", {"lang": "en"}) in page.elements
    assert text.count("<table") == text.count("<caption") == text.count("<thead")
    ids = set(page.attributes("id"))
    assert set(page.attributes("aria-labelledby")) <= ids and {address[1:] for address in page.attributes("href")} <= ids
    assert len(page.attributes("id")) == len(ids)
    levels = [int(tag[1]) for tag, dummy in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1 and all(b - a <= 1 for a, b in zip(levels, levels[1:]))
    assert all(attrs.get("scope") for tag, attrs in page.elements if tag == "th")


def test_a_state_is_a_word_and_never_a_colour_alone():
    text = both()[0] + both()[1]
    assert re.findall(r'<span class="s \w+">(.*?)</span>', text) and not re.search(r'<span class="s \w+"></span>', text)
