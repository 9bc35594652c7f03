# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""docs.py [--check]: make docs/rules.md, docs/support.md, what the intent's schema says, and the generated parts of README.md.

--check writes nothing and fails when a page is older than what it is made from.
"""

from __future__ import annotations

import importlib
import re
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
INTENT = "ansible_collections.sovereign.ai_stack.plugins.plugin_utils._intent_docs"
NOTE = "<!-- Made by `make docs` from {source}. Do not edit. -->\n"
PART = re.compile(r"(<!-- begin (\w+), made by `make docs` -->\n).*?(<!-- end \2, made by `make docs` -->)", re.DOTALL)
VENDORS = {"10de": "NVIDIA", "1002": "AMD", "8086": "Intel", "1da3": "Intel Gaudi"}


def table(path: Path) -> dict:
    """Sources stay keys here; a column that a row leaves out holds the table's default."""
    found = yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  both are safe
    defaults = {"note": None, **found["meta"].get("defaults", {})}
    return {**found, "rows": [{**defaults, **row} for row in found["rows"]]}


def tables(root: Path) -> dict:
    return {path.stem: table(path) for path in sorted((root / "plugins/compat").glob("*.yml"))}


def cell(value) -> str:
    return str("" if value is None else value).replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").strip()


def grid(titles: list, rows: list) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "".join("| " + " | ".join(cell(value) for value in line) + " |\n" for line in lines)


def natural(text: str) -> list:
    """ACC-9 before ACC-10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(text))]


def rules_page(found: dict) -> str:
    rows = sorted(found["rules"]["rows"], key=lambda row: natural(row["id"]))
    enforced = [row for row in rows if row["status"] == "enforced"]
    others = [row for row in rows if row["status"] != "enforced"]
    used = sorted({key for row in rows for key in row["source"]})
    parts = [
        NOTE.format(source="plugins/compat/rules.yml"),
        "# The rules\n",
        f"{len(enforced)} rules are enforced and {len(others)} are not. `make rules-bite` takes each enforced rule out of the register "
        "and demands that its test goes red.\n",
        "## Enforced\n",
        grid(["Rule", "What it says", "Waivable", "Test", "Sources"], [enforced_line(row) for row in enforced]),
        "## Not enforced, and why\n",
        grid(["Rule", "What it says", "Why not", "Sources"], [[row["id"], row["statement"], row["why"], ", ".join(row["source"])] for row in others]),
        "## Sources\n",
        "".join(f"- `{key}`: {found['rules']['sources'][key].strip()}\n" for key in used),
    ]
    return "\n".join(parts)


def enforced_line(row: dict) -> list:
    test = f"`{(row['test'] or '').removeprefix('tests/unit/plugins/')}`"
    return [row["id"], row["statement"], "yes" if row["waivable"] else "no", test, ", ".join(row["source"])]


def cards_grid(found: dict) -> str:
    groups = defaultdict(list)
    for row in found["accelerators"]["rows"]:
        groups[(VENDORS.get(row["vendor"], row["vendor"]), row["architecture"], row["flavour"] or "-", row["last_branch"] or "newest read")].append(row)
    return grid(["Vendor", "Architecture", "Kernel module", "Last branch", "Models that `select.model` knows"], [
        [*key, ", ".join(sorted({row["model"] for row in rows if row["model"]}, key=natural))] for key, rows in groups.items()])  # fmt: skip


def supported(found: dict) -> dict:
    """{branch: the branch with what policy production asks about it}."""
    texts = {}
    for row in found["driver_branches"]["rows"]:
        until = f"to {row['eol']}" if row["eol"] else {True: "ended", False: "in support", None: "end not known"}[row["ended"]]
        texts[row["branch"]] = f"{row['branch']} ({until}{', new feature' if row['type'] == 'new_feature' else ''})"
    return texts


def platform_lines(found: dict) -> list:
    texts = supported(found)
    branches = defaultdict(set)
    for row in found["distributions"]["rows"]:
        branches[(row["distribution"], row["version"], row["vendor"])].update(filter(None, [row["branch"]]))
    lines = []
    for row in sorted(found["platforms"]["rows"], key=lambda row: natural(f"{row['distribution']} {row['version']} {VENDORS[row['vendor']]}")):
        known = ", ".join(texts.get(one, one) for one in sorted(branches[(row["distribution"], row["version"], row["vendor"])], key=natural))
        lines.append([row["distribution"], row["version"], VENDORS[row["vendor"]], known, row["level"], row["evidence"], row["note"]])
    return lines


def judges(root: Path) -> dict:
    """{series: the releases of Nova that judge what the core writes for it, or why none does}."""
    texts = defaultdict(list)
    for row in yaml.safe_load((root / "tests/oracle/releases.yml").read_text())["releases"]:
        texts[row["series"]].append(f"unproven: {row['unproven']}" if row.get("unproven") else row["release"])
    return {series: ", ".join(found) for series, found in texts.items()}


def series_lines(found: dict, judged: dict) -> list:
    first = {(row["where"], row["name"]): min(map(int, row["first"])) for row in found["nova_keys"]["rows"] if row["where"] != "placement_option"}
    asked = [("option", "pci_in_placement"), ("device_spec", "one_time_use"), ("behaviour", "unified limits count pci_passthrough:alias")]
    lines = []
    for row in sorted(found["nova_series"]["rows"], key=lambda row: int(row["nova"])):
        has = ["yes" if int(row["nova"]) >= first[key] else "no" for key in asked]
        by = judged.get(row["series"], "unproven: no release is named")
        lines.append([row["series"], row["nova"], row["placement"], row["status"].replace("_", " "), row["floor"] or "none is known", *has, by])
    return lines


def support_page(found: dict, judged: dict) -> str:
    real = any(row["level"] == "proven on the real part" for row in found["platforms"]["rows"])
    return "\n".join([
        NOTE.format(source="plugins/compat"),
        "# What is supported, and how far it is proven\n",
        "- **proven on the real part**: a real card was there." + ("" if real else " No platform has this level yet.") + "\n"
        "- **proven on a stand-in**: `make demo` or the scenario beside it deploys and verifies it in the lab with real packages, package manager, "
        "systemd and vendor tools; the silicon is a mock.\n"
        "- **decided only**: the tables and the core know what fits, but no test ever deployed it there. It is a conflict of rule ACC-83: `deploy` refuses "
        "before anything is touched, until `ai_stack_waivers` accepts it for a host. A platform that is not listed is decided only, too.\n",
        "Behind a branch stands how long its vendor supports it. `policy: production` takes a supported long-term or production branch only (rules ACC-4a "
        "and ACC-4b). A platform whose archives have none wants a repository of the site, or a waiver: "
        "[the guide](guide-deploy.md#which-driver-there-is-to-have) shows both.\n",
        "## Platforms\n",
        grid(["Distribution", "Release", "Cards of", "Driver branches in its archives", "Level", "Shown by scenario", "Note"], platform_lines(found)),
        "## OpenStack series\n",
        "Cards that are passed through to tenants are planned for these series. 2025.1 was deployed to and verified, on Debian 13's packages; the others are "
        "decided only. What is written is judged by the code of the releases of Nova in the last column, as published, with a Placement of their series "
        "(`make oracle`, and `make test-long` for all of them).\n",
        grid(["Series", "Nova", "Placement", "Upstream branch", "Floor for tenants", "Cards in placement", "One-time use", "Limits count cards",
              "Judged by Nova"], series_lines(found, judged)),
        "## Cards\n",
        cards_grid(found),
    ])  # fmt: skip


def readme(root: Path, found: dict) -> str:
    rules = found["rules"]["rows"]
    parts = {
        "numbers": f"{len(rules)} rules, {sum(row['status'] == 'enforced' for row in rules)} of them enforced, each by a test that goes red without it; "
        f"{len(found['accelerators']['rows'])} cards; {len(found['driver_branches']['rows'])} driver branches; "
        f"{len(found['distributions']['rows'])} packages of distributions. Every row has its source and date.\n",
        "scenarios": "".join(f"- `{path.parent.name}`\n" for path in sorted(root.glob("molecule/*/molecule.yml")) if path.parent.name != "default"),
    }
    return PART.sub(lambda match: match[1] + parts[match[2]] + match[3], (root / "README.md").read_text())


def intent_pages(root: Path) -> dict:
    """The collection writes these itself; it is imported from this work tree, not from an installed copy, which may be older."""
    with tempfile.TemporaryDirectory() as folder:
        link = Path(folder, "ansible_collections/sovereign/ai_stack")
        link.parent.mkdir(parents=True)
        link.symlink_to(root, target_is_directory=True)
        sys.path.insert(0, folder)
        try:
            writer = importlib.import_module(INTENT)
            return {"docs/intent.md": writer.guide(), "docs/intent.schema.json": writer.editors_schema()}
        finally:
            sys.path.remove(folder)


def pages(root: Path) -> dict:
    found = tables(root)
    return {
        "docs/rules.md": rules_page(found),
        "docs/support.md": support_page(found, judges(root)),
        "README.md": readme(root, found),
        **intent_pages(root),
    }


def main(*arguments: str) -> int:
    made = pages(ROOT)
    stale = [name for name, text in made.items() if not (ROOT / name).exists() or (ROOT / name).read_text() != text]
    if "--check" in arguments:
        print("\n".join(f"{name} is stale: run `make docs`" for name in stale))
        return 1 if stale else 0
    for name in stale:
        (ROOT / name).write_text(made[name])
        print("wrote", name)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
