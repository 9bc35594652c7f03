# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""One release after the other; a table at the end says which of them judged, and which series are unproven."""

from __future__ import annotations

import judges
import oracle_env
import pytest

UNPROVEN = {row["series"]: row["unproven"] for row in oracle_env.releases() if "unproven" in row}


@pytest.fixture(scope="session", params=[pytest.param(name, marks=[pytest.mark.long] if row["long"] else []) for name, row in judges.ROWS.items()])
def judge(request):
    """One release after the other; what this machine cannot have is skipped, and stands in the table with the reason."""
    try:
        return judges.of(request.param)
    except oracle_env.Unproven as why:
        UNPROVEN[f"{judges.ROWS[request.param]['series']} ({request.param})"] = str(why)
        pytest.skip(f"unproven: {why}")


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("releases of Nova that judged")
    for judge in judges.JUDGES.values():
        row, told = judge.row, ", ".join(f"{count} {kind}" for kind, count in sorted(judge.counts.items()))
        terminalreporter.line(f"{row['series']:<8} nova {row['release']:<8} placement {row['placement']:<8} {sum(judge.counts.values())} cases: {told}")
    for series, why in UNPROVEN.items():
        terminalreporter.line(f"{series:<8} unproven: {why}")
