# Copyright (c) 2026, sovereign.ai_stack contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plan.json and evidence.json as one self-contained page each.

A page loads nothing and runs no script but its own, which its content security policy names by digest.
What a host, an inventory or a tool said stands in it as text and nowhere else; control and direction characters are shown by their code.
"""

from __future__ import annotations

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import _evidence, _plan, _text

_FOLDER = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def _environment():
    found = Environment(
        loader=FileSystemLoader(str(_FOLDER)), autoescape=True, undefined=StrictUndefined, finalize=_text.show, trim_blocks=True, lstrip_blocks=True
    )
    found.filters.update(plain=_text.plain, moment=_text.moment, sources=_text.sources, island=_text.island, num="{:,}".format)
    return found


def _part(name):
    """A style sheet or script of ours and its digest as the policy names it."""
    body = (_FOLDER / name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(body.encode("utf-8")).digest()).decode("ascii")
    return {"body": Markup(body), "digest": Markup("'sha256-%s'" % digest)}


def _render(template, view):
    return _environment().get_template(template).render(page=view, style=_part("page.css"), script=_part("page.js"))


def render_plan(plan):
    """The page of a plan, `schema: sovereign.ai_stack/plan/1`, as text of one HTML file."""
    return _render("plan.html.j2", _plan.view(plan))


def render_evidence(evidence, plan=None):
    """The page of an evidence document; with the plan it also names the hosts that nothing proves."""
    return _render("evidence.html.j2", _evidence.view(evidence, plan))
