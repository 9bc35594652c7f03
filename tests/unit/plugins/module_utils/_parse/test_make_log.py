# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What a failed build says."""

from __future__ import annotations

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse import make_log

LOG = """  CC [M]  /var/tmp/ai-stack-trial-x/root/usr/src/nvidia-current-open-535.261.03/nvidia/nv-pci.o
/var/tmp/ai-stack-trial-x/root/usr/src/nvidia-current-open-535.261.03/nvidia/nv-pci.c: In function 'nv_resize_pcie_bars':
/var/tmp/ai-stack-trial-x/root/usr/src/nvidia-current-open-535.261.03/nvidia/nv-pci.c:223:9: error: too few arguments to function 'pci_resize_resource'
/var/tmp/ai-stack-trial-x/root/usr/src/nvidia-current-open-535.261.03/nvidia/nv-pci.c:223:9: error: too few arguments to function 'pci_resize_resource'
warning: the compiler differs from the one used to build the kernel
make: *** [Makefile:250: __sub-make] Error 2
"""


def test_the_compilers_lines_come_first_and_without_the_scratch_folder():
    assert make_log.errors(LOG, "/var/tmp/ai-stack-trial-x") == [
        "root/usr/src/nvidia-current-open-535.261.03/nvidia/nv-pci.c:223:9: error: too few arguments to function 'pci_resize_resource'",
        "make: *** [Makefile:250: __sub-make] Error 2"]


def test_a_build_without_complaints_has_none():
    assert make_log.errors("  CC [M]  x.o\n  LD [M]  x.ko\n") == []


def test_a_flood_is_cut():
    lines = make_log.errors("\n".join("a.c:%d: error: %s" % (number, "x" * 500) for number in range(100)))
    assert len(lines) == 20
    assert all(len(line) <= 300 for line in lines)


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        (["nvidia/nv-pci.c:223:9: error: too few arguments to function 'pci_resize_resource'", "make: *** [Makefile:140: modules] Error 2"], "failed"),
        (["ERROR: modpost: GPL-incompatible module nvidia.ko uses GPL-only symbol"], "failed"),
        (["make[3]: *** [Makefile:2008: nvidia] Segmentation fault", "make: *** [Makefile:140: modules] Error 139"], "not_tried"),
        (["make: *** [Makefile:140: modules] Terminated"], "not_tried"),
        (["a.c:1:1: fatal error: error writing to a.o: No space left on device"], "not_tried"),
        ([], "not_tried"),
    ],
)
def test_only_a_compiler_says_that_a_module_does_not_build(lines, verdict):
    assert make_log.verdict(lines) == verdict
