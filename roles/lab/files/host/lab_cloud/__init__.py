# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The parts of an OpenStack on lab hosts, as Debian's packages want them; set up once, see the controller's lab/openstack.py."""
