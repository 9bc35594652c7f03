# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The pages in a real browser: what a reader can do with them, at every width, and what a hostile host cannot."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils import _pages
from ansible_collections.sovereign.ai_stack.plugins.plugin_utils._pages import _plan_hosts


def beside(name: str):
    spec = importlib.util.spec_from_file_location(f"pages_{name}", Path(__file__).parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


sites, browser = beside("sites"), beside("browser")

# Where a browser is part of the job, its absence is a failure and no skip: AI_STACK_NEEDS_BROWSER=1
pytestmark = pytest.mark.skipif(bool(browser.missing()) and not os.environ.get("AI_STACK_NEEDS_BROWSER"), reason=browser.missing() or "browser there")

KINDS = ["plan", "evidence"]


@pytest.fixture(scope="module")
def chromium():
    found = browser.Browser()
    yield found
    found.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pages")


def written(folder: Path, name: str, plan: dict, evidence: dict) -> dict:
    texts = {"plan": _pages.render_plan(plan), "evidence": _pages.render_evidence(evidence, plan)}
    for kind, text in texts.items():
        (folder / f"{name}-{kind}.html").write_text(text, encoding="utf-8")
    return {kind: folder / f"{name}-{kind}.html" for kind in texts}


@pytest.fixture(scope="module")
def lab(folder):
    return written(folder, "lab", sites.sample("plan"), sites.sample("evidence"))


@pytest.fixture(scope="module")
def thousand(folder):
    return written(folder, "thousand", sites.plan_of(1000, alike=False), sites.evidence_of(1000, alike=False))


@pytest.fixture(scope="module")
def big(folder):
    return written(folder, "big", sites.plan_of(10000), sites.evidence_of(10000))


@pytest.fixture(autouse=True)
def plain(chromium):
    """Every test starts at desktop width, light, on screen, with scripts."""
    chromium.size(1280)
    chromium.media()
    chromium.cdp("Emulation.setScriptExecutionDisabled", value=False)


TEXTS = "return Array.from(document.querySelectorAll(arguments[0])).filter(e => e.offsetParent !== null).map(e => e.textContent)"
TYPE = "const f = document.getElementById(arguments[0]); f.value = arguments[1]; f.dispatchEvent(new Event(f.tagName === 'SELECT' ? 'change' : 'input'))"
PRESS = "Array.from(document.querySelectorAll('#' + arguments[0] + ' thead button')).find(b => b.textContent === arguments[1]).click()"
HOSTS = "#host tbody tr:not([hidden]) > :first-child"


def find(chromium, table, text):
    chromium.js(TYPE, f"{table}-find", text)


# Nothing leaves the page and nothing complains


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_asks_for_nothing_and_logs_nothing(chromium, lab, kind):
    chromium.open(lab[kind])
    chromium.js("document.querySelectorAll('details').forEach(d => { d.open = true })")
    assert chromium.requests() == [lab[kind].as_uri()]
    assert chromium.logs("browser") == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_stops_a_script_that_is_not_the_pages_own(chromium, lab, kind):
    chromium.open(lab[kind])
    chromium.js("try { const s = document.createElement('script'); s.append('window.pwned = 1'); document.body.append(s) } catch (e) {}")
    chromium.js("const i = document.createElement('img'); i.src = 'http://192.0.2.1/x'; document.body.append(i)")
    assert chromium.js("return window.pwned === undefined")
    assert any("Content Security Policy" in entry["message"] for entry in chromium.logs("browser"))


@pytest.mark.parametrize("name", sites.HOSTILE)
def test_a_hostile_string_in_every_field_runs_nothing(chromium, folder, monkeypatch, name):
    monkeypatch.setattr(_plan_hosts, "MAX_OPEN", 4)
    text = sites.HOSTILE[name]
    for kind, page in written(folder, "hostile", sites.planted(sites.sample("plan"), text), sites.planted(sites.sample("evidence"), text)).items():
        chromium.open(page)
        chromium.js("document.querySelectorAll('details').forEach(d => { d.open = true })")
        chromium.js("return new Promise(done => setTimeout(done, 60))")
        find(chromium, "host" if kind == "plan" else "check", sites.MARK)
        assert chromium.js("return window.pwned === undefined && document.title.length < 30000")
        assert (
            chromium.js("return document.querySelectorAll('img, iframe, form, [onclick], [onload], [onerror], [onmouseover], [onfocus], [style]').length") == 0
        )
        assert chromium.js("return document.querySelectorAll('script').length") == 2
        assert chromium.js("return getComputedStyle(document.querySelector('main')).display") == "block"
        assert chromium.requests() == [page.as_uri()] and chromium.logs("browser") == []
        assert chromium.js("return document.querySelectorAll('.later').length") == 0


def test_blocks_that_the_script_draws_show_codes_for_what_cannot_be_seen(chromium, folder, monkeypatch):
    monkeypatch.setattr(_plan_hosts, "MAX_OPEN", 0)
    page = written(folder, "drawn", sites.planted(sites.sample("plan"), sites.HOSTILE["right to left"]), sites.sample("evidence"))["plan"]
    chromium.open(page)
    chromium.js("document.getElementById('g0').open = true; return new Promise(done => setTimeout(done, 60))")
    assert "U+202E" in chromium.js("return document.querySelector('#g0 .decisions td .ctl').textContent")
    assert chromium.js("return !/[\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.innerText)")


# Finding, filtering, sorting


def test_finding_a_host_leaves_its_row_and_its_block(chromium, lab):
    chromium.open(lab["plan"])
    find(chromium, "host", "KEPLER")
    assert chromium.js(TEXTS, HOSTS) == ["kepler1"] and chromium.js(TEXTS, ".blocks > details > summary .who") == ["kepler1"]
    assert chromium.js("return document.getElementById('host-count').textContent") == "1 of 11 shown"
    find(chromium, "host", "")
    assert len(chromium.js(TEXTS, HOSTS)) == 11


def test_a_state_can_be_picked_and_combines_with_finding(chromium, lab):
    chromium.open(lab["plan"])
    options = chromium.js("return Array.from(document.querySelectorAll('#host-state option')).map(o => o.textContent)")
    assert options == ["all", "refused (3)", "unknown (1)", "will change (6)", "no accelerator (1)"]
    chromium.js(TYPE, "host-state", "0")
    assert chromium.js(TEXTS, HOSTS) == ["hgx2", "kepler1", "runfile1"]
    find(chromium, "host", "fabric")
    assert chromium.js(TEXTS, HOSTS) == ["hgx2"]


SORTED = [
    ("Host", ["amd1", "dark1"], ["runfile1", "none1"]),
    ("Changes", ["hgx2", "kepler1"], ["h100-bookworm1", "h100-bookworm2"]),
    ("State", ["hgx2", "kepler1"], ["none1", "amd1"]),
]


@pytest.mark.parametrize("column, up, down", SORTED, ids=[row[0] for row in SORTED])
def test_a_column_sorts_both_ways_and_says_so(chromium, lab, column, up, down):
    chromium.open(lab["plan"])
    said = "return Array.from(document.querySelectorAll('#host [aria-sort]')).map(h => [h.textContent, h.getAttribute('aria-sort')])"
    chromium.js(PRESS, "host", column)
    assert chromium.js(TEXTS, HOSTS)[:2] == up and chromium.js(said) == [[column, "ascending"]]
    chromium.js(PRESS, "host", column)
    assert chromium.js(TEXTS, HOSTS)[:2] == down and chromium.js(said) == [[column, "descending"]]


def test_numbers_sort_as_numbers(chromium, thousand):
    chromium.open(thousand["plan"])
    chromium.js(PRESS, "host", "Host")
    names = chromium.js(TEXTS, HOSTS)
    assert names == [f"gpu{number:05d}" for number in range(1, 1001)]


def test_a_host_leads_to_its_block_which_opens_and_has_the_focus(chromium, thousand):
    chromium.open(thousand["plan"])
    find(chromium, "host", "gpu00999")
    chromium.js("document.querySelector('#host tr:not([hidden]) a').click(); return new Promise(done => setTimeout(done, 100))")
    block = "const b = document.querySelector('.blocks > details:not([hidden])');"
    assert chromium.js(block + "return b.open && document.activeElement === b.querySelector('summary')")
    text = chromium.js(block + "return b.textContent")
    host = sites.plan_of(1000, alike=False)["hosts"]["gpu00999"]
    assert all(row["subject"] in text for row in host["decisions"]) and all(card["serial"] in text for card in host["cards"])
    assert "only on gpu00999" in text and "ACC-6" in text


def test_a_thousand_hosts_are_filtered_and_sorted_in_one_pass_each(chromium, thousand):
    """No clock: a filter changes no row but by hiding it, a sort moves each row once."""
    chromium.open(thousand["plan"])
    watch = "window.seen = 0; new MutationObserver(l => { for (const m of l) seen += m.addedNodes.length })"
    chromium.js(watch + ".observe(document.querySelector('#host tbody'), {childList: true, subtree: true})")
    find(chromium, "host", "gpu0050")
    assert chromium.js("return seen") == 0 and len(chromium.js(TEXTS, HOSTS)) == 10
    chromium.js(PRESS, "host", "Costs")
    assert chromium.js("return new Promise(done => setTimeout(() => done(seen), 50))") == 1000


def test_one_host_among_ten_thousand_equal_ones_is_found(chromium, big):
    chromium.open(big["plan"])
    assert chromium.js("return document.getElementById('host-count').textContent") == "10,000 of 10,000 shown"
    find(chromium, "host", "gpu09731")
    rows = chromium.js(TEXTS, HOSTS)
    assert len(rows) == 1 and "among them gpu09731" in rows[0]
    assert chromium.js("return document.getElementById('host-count').textContent") == "1 of 10,000 shown"
    find(chromium, "host", "gpu0973")
    assert "gpu09737 and 2 more" in chromium.js(TEXTS, HOSTS)[-1]
    find(chromium, "host", "")
    assert "among them" not in chromium.js("return document.getElementById('host').textContent")


def test_observations_can_be_found_by_host_and_filtered_by_status(chromium, big):
    chromium.open(big["evidence"])
    rows = "#check tbody tr:not([hidden])"
    chromium.js(TYPE, "check-state", "0")
    assert len(chromium.js(TEXTS, rows)) == 1 and "100 hosts" in chromium.js(TEXTS, rows)[0]
    find(chromium, "check", "gpu00100")
    assert "among them gpu00100" in chromium.js(TEXTS, rows)[0]
    find(chromium, "check", "gpu00101")
    assert chromium.js(TEXTS, rows) == []


# Every reader


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [320, 390, 768, 1280, 1920])
def test_no_width_needs_sideways_scrolling(chromium, folder, lab, kind, width):
    wide = [written(folder, f"wide{size}", *(sites.planted(sites.sample(name), "W" * size) for name in KINDS)) for size in (60, 300)]
    chromium.size(width)
    for page in (lab[kind], wide[0][kind], wide[1][kind]):
        chromium.open(page)
        chromium.js("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert chromium.js("return document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


CONTRAST = """
const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m };
const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
  .reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
const ground = e => {
  for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c }
  return [255, 255, 255, 1];
};
const bad = [];
for (const e of document.querySelectorAll('body *')) {
  if (e.offsetParent === null || !Array.from(e.childNodes).some(n => n.nodeType === 3 && n.data.trim())) continue;
  const a = light(parse(getComputedStyle(e).color)), b = light(ground(e));
  const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  if (ratio < 4.5) bad.push([e.tagName, e.className, e.textContent.slice(0, 30), ratio]);
}
return bad;
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_of_level_aa(chromium, folder, lab, kind, scheme):
    hostile = written(folder, "contrast", sites.planted(sites.sample("plan"), "\x1b"), sites.planted(sites.sample("evidence"), "\x1b"))
    chromium.media(scheme)
    for page in (lab[kind], hostile[kind]):
        chromium.open(page)
        chromium.js("document.querySelectorAll('details').forEach(d => { d.open = true })")
        assert chromium.js("return getComputedStyle(document.body).backgroundColor") == {"light": "rgb(251, 251, 249)", "dark": "rgb(19, 22, 25)"}[scheme]
        assert chromium.js(CONTRAST) == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_control_is_reached_by_tab_and_its_focus_is_seen(chromium, lab, kind):
    chromium.open(lab[kind])
    seen = set()
    for _step in range(80):
        chromium.press("\ue004")
        name, outline = chromium.js("const e = document.activeElement; return [e.tagName, getComputedStyle(e).outlineStyle]")
        if name == "BODY":
            break
        seen.add(name)
        assert outline in ("solid", "auto"), f"{name} has the focus and does not show it"
    assert {"A", "INPUT", "SELECT", "BUTTON"} <= seen and (kind == "evidence" or "SUMMARY" in seen)


@pytest.mark.parametrize("width", [390, 1280])
def test_a_screen_reader_finds_landmarks_and_tables_at_every_width(chromium, lab, width):
    chromium.size(width)
    chromium.open(lab["plan"])
    chromium.js("document.querySelectorAll('details').forEach(d => { d.open = true })")
    nodes = chromium.cdp("Accessibility.getFullAXTree")["nodes"]
    roles = [node.get("role", {}).get("value") for node in nodes if not node.get("ignored")]
    assert {"main", "navigation", "banner", "contentinfo", "search", "table", "row", "cell", "rowheader", "heading"} <= set(roles)
    tables = [node for node in nodes if node.get("role", {}).get("value") == "table" and not node.get("ignored")]
    assert len(tables) > 20 and all(node.get("name", {}).get("value") for node in tables)
    controls = [node for node in nodes if node.get("role", {}).get("value") in ("searchbox", "combobox", "button", "link") and not node.get("ignored")]
    assert controls and all(node.get("name", {}).get("value") for node in controls)


@pytest.mark.parametrize("kind", KINDS)
def test_without_scripts_everything_but_the_tools_is_there(chromium, lab, kind):
    chromium.open(lab[kind])
    text = "return document.body.textContent.replace(/\\s+/g, ' ').length"
    with_script = chromium.js(text)
    chromium.cdp("Emulation.setScriptExecutionDisabled", value=True)
    chromium.open(lab[kind])
    chromium.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert chromium.js("return document.querySelector('.tools').hidden && document.querySelectorAll('thead button').length === 0")
    assert chromium.js(text) > with_script - 400 and len(chromium.js(TEXTS, "section")) >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_in_print_everything_is_open_on_white_and_the_tools_are_gone(chromium, lab, kind):
    chromium.media("dark", "print")
    chromium.open(lab[kind])
    chromium.js("window.dispatchEvent(new Event('beforeprint'))")
    assert chromium.js("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert chromium.js("return Array.from(document.querySelectorAll('.tools, nav, .skip')).every(e => e.offsetParent === null)")
    assert chromium.js("return Array.from(document.querySelectorAll('details')).every(d => d.open)")
    assert chromium.js(CONTRAST) == []
    chromium.js("window.dispatchEvent(new Event('afterprint'))")
    assert chromium.js("return document.querySelectorAll('details[open]').length") == 0
