# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The edge towards the operator: whatever goes wrong behind it becomes one sentence."""

from __future__ import annotations

import contextlib
import gc
import traceback

from . import _intent, _site, _words


@contextlib.contextmanager
def one_sentence(display, result, what, so_far="Nothing was changed."):
    """Turn an exception into a failed result; the traceback is for those who ask with -vvv. so_far: what the run did before this."""
    # a site's documents hold no cycles: looking for them again and again costs a third of the time of a large plan
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    except (_site.SiteError, _intent.MissingLibrary) as error:
        result.update(failed=True, msg=_words.printable(str(error), 1000))
    except Exception as error:
        display.vvv(traceback.format_exc())
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{place.filename.rpartition('/')[2]} line {place.lineno}"
        result.update(
            failed=True,
            msg=f"{what} could not be made: a defect of the collection ({type(error).__name__} in {where}). {so_far} "
            "Please report it with the output of the same command and -vvv.",
        )
    finally:
        if collects:
            gc.enable()
