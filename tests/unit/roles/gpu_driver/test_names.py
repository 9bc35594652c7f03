# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Names that the role makes of decisions, as Ansible's own templating reads vars/main.yml."""

from __future__ import annotations

import pytest
import templated

WANT = {"kernel.release": "6.1.0-56-amd64", "driver.version": "535.309.01", "driver.flavour": "open"}


@pytest.fixture
def named():
    """The value of a role's name for these decisions and variables."""
    of_role = templated.constants("gpu_driver")

    def value(name, want=None, **variables):
        return of_role(name, __gpu_driver_want={**WANT, **(want or {})}, **variables)

    return value


@pytest.mark.parametrize(("signed_by", "release"), [({}, "1~open"), ({"driver.signed_by": "ab" * 32}, "1~open+abababababab")])
def test_another_certificate_makes_another_package_of_modules(named, signed_by, release):
    name = "ai-stack-gpu-modules-6.1.0-56-amd64_535.309.01-" + release
    assert named("__gpu_driver_shipped_file", signed_by, gpu_driver_modules_dir="/m") == f"/m/{name}_amd64.deb"
    signing = {"gpu_driver_sign_file": "", "gpu_driver_signing_key": "/k", "__gpu_driver_set": {"modules_as": "nvidia"}}
    request = named("__gpu_driver_pack_request", signed_by, **signing, gpu_driver_modules_dir="/m")
    assert request["release"] == release
    assert (request["key"], request["certificate"]) == (("/k", f"/var/lib/ai-stack/build/{name}.crt") if signed_by else ("", ""))
