/*
 * GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
 * SPDX-License-Identifier: GPL-3.0-or-later
 * Copyright (c) 2026, sovereign.ai_stack contributors
 *
 * Stand-in for libcuda.so.1: NVIDIA's container toolkit knows a driver by this file. Whoever loads it hears that there is no device.
 */
#define NO_DEVICE 100

int cuInit(unsigned flags) { return NO_DEVICE; }
