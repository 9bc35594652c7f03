# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What amdgpu shows of a card that it drives: attributes of the function, DRM nodes, the topology of KFD; enough for the real rocm-smi."""
from __future__ import annotations

from . import mounts

VRAM = 192 << 30
ATTRIBUTES = {
    "gpu_busy_percent": 0, "mem_busy_percent": 0, "mem_info_vram_total": VRAM, "mem_info_vram_used": 0, "mem_info_vis_vram_total": VRAM,
    "mem_info_vis_vram_used": 0, "mem_info_gtt_total": VRAM // 2, "mem_info_gtt_used": 0, "mem_info_vram_vendor": "hynix",
    "power_dpm_force_performance_level": "auto", "power_dpm_state": "performance",
    "pp_dpm_sclk": "0: 132Mhz *\n1: 2100Mhz", "pp_dpm_mclk": "0: 900Mhz *\n1: 1300Mhz",
    "current_compute_partition": "SPX", "available_compute_partition": "SPX, DPX, QPX, CPX", "current_memory_partition": "NPS1",
    "available_memory_partition": "NPS1, NPS4", "pcie_replay_count": 0, "ras/features": "feature mask: 0x3fff", "ras/umc_err_count": "ue: 0\nce: 0",
    "vbios_version": "113-M3000100-103", "product_name": "AMD Instinct MI300X OAM", "product_number": "102-G30000-00",
    "hwmon/hwmon0/name": "amdgpu", "hwmon/hwmon0/temp1_input": 38000, "hwmon/hwmon0/temp1_label": "edge", "hwmon/hwmon0/temp2_input": 41000,
    "hwmon/hwmon0/temp2_label": "junction", "hwmon/hwmon0/temp3_input": 36000, "hwmon/hwmon0/temp3_label": "mem", "hwmon/hwmon0/in0_label": "vddgfx",
    "hwmon/hwmon0/in0_input": 800, "hwmon/hwmon0/power1_average": 135000000, "hwmon/hwmon0/power1_input": 135000000,
    "hwmon/hwmon0/power1_cap": 750000000, "hwmon/hwmon0/power1_cap_max": 750000000, "hwmon/hwmon0/power1_cap_min": 0,
}
NODE = {
    "cpu_cores_count": 0, "simd_count": 1216, "mem_banks_count": 1, "caches_count": 0, "io_links_count": 1, "p2p_links_count": 0, "cpu_core_id_base": 0,
    "simd_id_base": 2147487744, "max_waves_per_simd": 8, "lds_size_in_kb": 64, "gds_size_in_kb": 0, "num_gws": 64, "wave_front_size": 64, "array_count": 32,
    "simd_arrays_per_engine": 1, "cu_per_simd_array": 10, "simd_per_cu": 4, "max_slots_scratch_cu": 32, "gfx_target_version": 90402, "hive_id": 4660,
    "num_sdma_engines": 16, "num_sdma_xgmi_engines": 0, "num_xcc": 8, "max_engine_clk_fcompute": 2100, "local_mem_size": 0, "fw_version": 150,
    "sdma_fw_version": 22, "max_engine_clk_ccompute": 3700, "domain": 0, "vendor_id": 4098,
}
LINK = ("type 2\nversion_major 0\nversion_minor 0\nnode_from %d\nnode_to 0\nweight 20\nmin_latency 0\nmax_latency 0\nmin_bandwidth 0\nmax_bandwidth 0\n"
        "recommended_transfer_size 0\nflags 1")


def _put(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("%s\n" % text)


def show(root, functions, drivers):
    """Adds to the tree below ROOT and covers /sys/class/drm and /sys/class/kfd with it; nothing where amdgpu drives no card."""
    cards = [function for function in functions if drivers.get(function["address"]) == "amdgpu"]
    if not cards:
        return
    for folder in ("class/drm", "class/kfd"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    nodes = root / "class/kfd/kfd/topology/nodes"
    _put(root / "class/kfd/kfd/topology/generation_id", 1)
    for cpu in range(2):
        _put(nodes / str(cpu) / "gpu_id", 0)
        _put(nodes / str(cpu) / "properties", "cpu_cores_count 96\nsimd_count 0")
        for folder in ("io_links", "p2p_links", "mem_banks"):
            (nodes / str(cpu) / folder).mkdir(exist_ok=True)
    for n, function in enumerate(cards):
        _card(root, nodes / str(n + 2), n, function)
    for folder in ("drm", "kfd"):
        mounts.over(root / "class" / folder, "/sys/class/" + folder)


def _card(root, node, n, function):
    here = root / "bus/pci/devices" / function["address"]
    unique = 0xABC000 + n
    for name, value in dict(ATTRIBUTES, unique_id="%016x" % unique, serial_number=function["serial_number"]).items():
        _put(here / name, value)
    for name, minor in (("card%d" % n, n), ("renderD%d" % (128 + n), 128 + n)):
        # tools read the card's address off the link, as the kernel lays it out
        entry = here / "drm" / name
        _put(entry / "dev", "226:%d" % minor)
        _put(entry / "uevent", "MAJOR=226\nMINOR=%d\nDEVNAME=dri/%s\nDEVTYPE=drm_minor" % (minor, name))
        (entry / "device").symlink_to("../../../" + function["address"])
        (root / "class/drm" / name).symlink_to("../../bus/pci/devices/%s/drm/%s" % (function["address"], name))
    properties = dict(NODE, device_id=int(function["device"], 16), location_id=int(function["address"].split(":")[1], 16) << 8,
                      drm_render_minor=128 + n, unique_id=unique)
    _put(node / "gpu_id", 10000 + n)
    _put(node / "name", "ip discovery")
    _put(node / "properties", "\n".join("%s %s" % item for item in properties.items()))
    (node / "p2p_links").mkdir()
    _put(node / "io_links/0/properties", LINK % (n + 2))
    _put(node / "mem_banks/0/properties", "heap_type 1\nsize_in_bytes %d\nflags 0\nwidth 8192\nmem_clk_max 1300" % VRAM)
