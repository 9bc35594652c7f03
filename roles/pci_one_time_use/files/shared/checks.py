# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What an answer of a host has to show before its card goes to the next tenant. Pure; what nobody knows never passes.

expected  what was noted of the card: {vendor, device, subsystem_vendor, subsystem_device, link_width, link_speed, firmware: {name: version or null}}
seen      the same, as the card shows it now; a null in `firmware` on both sides is a card that does not show it
"""

from __future__ import annotations

NAMES = ("vendor", "device", "subsystem_vendor", "subsystem_device")
LINK = ("link_width", "link_speed")


def check(name, expected, observed, known):
    """One row. known: whether it was noted, and is shown."""
    status = "unknown" if not known else "pass" if expected == observed else "fail"
    return {"check": name, "status": status, "expected": expected, "observed": observed}


def same(expected, seen):
    """Ids and link: each is noted and shown, and is the same."""
    return [check(name, expected.get(name), seen.get(name), None not in (expected.get(name), seen.get(name))) for name in NAMES + LINK]


def firmware(expected, seen):
    noted, shown = expected.get("firmware") or {}, seen.get("firmware") or {}
    rows = []
    for name in sorted({"rom", "vpd"} | set(noted) | set(shown)):
        both_none = noted.get(name) is None and shown.get(name) is None
        known = name in noted and name in shown and (both_none or None not in (noted[name], shown[name]))
        rows.append(check("firmware." + name, noted.get(name), shown.get(name), known))
    return rows


def judge(expected, answer):
    """All rows about the answer of a host to `scrub`."""
    reset, scrub = answer.get("reset") or {}, answer.get("scrub")
    rows = [check("reset", None, reset.get("error"), bool(reset.get("method")))]
    rows += [check("scrub", 0, scrub.get("status"), scrub.get("status") is not None)] if scrub else []
    seen = answer.get("after") or {}
    return rows + [check("driver", "vfio-pci", seen.get("driver"), seen.get("driver") is not None)] + same(expected, seen) + firmware(expected, seen)


def passed(rows):
    return bool(rows) and all(row["status"] == "pass" for row in rows)


def in_words(rows):
    """Why a card does not pass."""
    return "; ".join("%s is %s, not %s" % (row["check"], row["observed"], row["expected"]) if row["status"] == "fail" else "%s is not known" % row["check"]
                     for row in rows if row["status"] != "pass")  # fmt: skip
