# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What boots stays as it is until another boot is proven; then it has what was proven, and what was brought can go again."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pytest
from ansible_collections.sovereign.ai_stack.plugins.action.host_program import packed
from pci_passthrough_machine import BESIDE, CARD, CONFIG, KERNEL, TWIN, packed_paths

IMAGE = "/boot/initrd.img-" + KERNEL
TRIAL_FILES = {"/boot/grub/custom.cfg", "/boot/ai-stack-trial.img", "/etc/systemd/system/ai-stack-pci-passthrough-check.service"}


def test_what_is_tried_lies_beside_what_boots(host):
    before = host.machine.files()
    host.prepare()
    after = host.machine.files()
    assert set(after) - set(before) == TRIAL_FILES
    assert {path for path in before if before[path] != after[path]} == {"/boot/grub/grubenv"}
    assert host.machine.environment() == {"next_entry": "ai-stack-trial"} and host.open()["step"] == "armed"
    assert host.machine.enabled == {"ai-stack-pci-passthrough-check.service"}


def test_the_entry_that_is_tried_is_the_one_that_boots_with_words_added(host):
    host.prepare()
    text = host.machine.read("/boot/grub/custom.cfg")
    assert "root=/dev/vda1 ro intel_iommu=on iommu=pt modules_load=vfio_pci panic=30 ai_stack.trial=240\n" in text
    assert f"linux\t/boot/vmlinuz-{KERNEL} " in text and "initrd\t/boot/ai-stack-trial.img\n" in text
    assert text.count("{") == text.count("}") and "--fs-uuid" in text and "--unrestricted --id 'ai-stack-trial'" in text


def test_a_boot_that_was_proven_is_what_boots_from_then_on(host):
    host.commits()
    after = host.machine.files()
    assert not TRIAL_FILES & set(after) and not host.machine.enabled and host.machine.environment() == {}
    assert "root=/dev/vda1 ro intel_iommu=on iommu=pt" in after[CONFIG] and "panic" not in after[CONFIG]
    assert f"keep {CARD} 8086 10c9" in after[IMAGE] and "sysrq" not in after[IMAGE]
    settings = json.loads(after["/etc/ai-stack/pci-passthrough.json"])
    assert settings["arguments"] == settings["added"] == ["intel_iommu=on", "iommu=pt"]
    assert host.machine.boot() is False and (host.machine.driver(CARD), host.machine.driver(TWIN)) == ("vfio-pci", "igb")
    assert host.modules.journal.status()["state"] == "committed" and host.last()["result"] == "committed"


def test_nothing_is_kept_that_was_not_proven(host):
    host.prepare()
    assert "not proven (step armed)" in host.refused(host.modules.journal.commit)
    host.machine.boot()
    assert "not proven" in host.refused(host.modules.journal.commit)
    assert host.machine.read(IMAGE) == "image of before\n"


def test_another_kernel_that_boots_by_now_is_not_what_was_tried(host):
    host.prepare()
    host.boots()
    host.machine.write(CONFIG, host.machine.read(CONFIG).replace(KERNEL, "6.1.0-99-amd64"))
    assert f"6.1.0-99-amd64 boots by now, and it was {KERNEL} that was tried" in host.refused(host.modules.journal.commit)


def test_words_of_others_are_neither_said_twice_nor_taken_away(host):
    host.machine.write(CONFIG, host.machine.read(CONFIG).replace("root=/dev/vda1 ro", "root=/dev/vda1 ro iommu=pt quiet"))
    host.prepare()
    assert "ro iommu=pt quiet intel_iommu=on modules_load=vfio_pci panic=30" in " ".join(host.machine.read("/boot/grub/custom.cfg").split())
    assert host.open()["words"] == ["intel_iommu=on"]


def test_a_second_change_starts_from_what_others_say(host):
    host.commits()
    host.prepare({"arguments": ["iommu=nopt"]})
    assert " ".join(host.machine.read("/boot/grub/custom.cfg").split()).count("ro iommu=nopt modules_load=vfio_pci panic=30 ") == 1
    assert "intel_iommu" not in host.machine.read("/boot/grub/custom.cfg")
    assert host.boots() == "the trial boot is proven"
    host.modules.journal.commit()
    assert "intel_iommu" not in host.machine.read(CONFIG) and "iommu=nopt" in host.machine.read(CONFIG)


def test_a_card_that_is_given_away_no_more_gets_its_driver_back(host):
    second = {CARD: {"vendor": "8086", "device": "10c9"}, TWIN: {"vendor": "8086", "device": "10c9"}}
    host.commits({"cards": second})
    host.machine.boot()
    assert host.machine.driver(TWIN) == "vfio-pci"
    host.commits()
    assert host.machine.driver(TWIN) == "igb" and host.last()["result"] == "committed"


def test_a_change_that_is_led_back_before_its_boot_needs_none(host):
    """The boot that goes on running may be the trial of the change before it."""
    host.commits()
    host.prepare({"arguments": ["iommu=nopt"]})
    assert host.modules.boot.check() == "it waits for a boot"
    assert host.modules.journal.restore("no") == {"result": "restored", "reboot": False}
    assert host.modules.journal.restore("no")["reboot"] is False
    host.prepare({"arguments": ["iommu=nopt"]})
    host.machine.boot()
    assert host.modules.journal.restore("no") == {"result": "restored", "reboot": True}
    assert host.modules.journal.restore("no")["reboot"] is True


def test_pages_of_a_size_keep_their_number_beside_it(host):
    words = ["hugepagesz=1G", "hugepages=4", "hugepagesz=2M", "hugepages=4"]
    host.machine.write(CONFIG, host.machine.read(CONFIG).replace("vda1 ro", "vda1 ro hugepages=4"))
    host.begin({"arguments": words})
    assert host.open()["words"] == words


def stranger(host):
    host.machine.function(BESIDE, vendor="1af4", device="1005", driver="virtio-pci", group=1, kind="00ff00")


def uplink(host):
    host.machine.link("/sys/class/net/ens3", f"../../devices/pci0000:00/{CARD}/net/ens3")
    host.machine.at(f"/sys/devices/pci0000:00/{CARD}/net/ens3").mkdir(parents=True)


def bridged_uplink(host):
    uplink(host)
    host.machine.at("/sys/devices/virtual/net/br0").mkdir(parents=True)
    host.machine.link("/sys/class/net/br0", "../../devices/virtual/net/br0")
    host.machine.link("/sys/devices/virtual/net/br0/lower_ens3", "../ens3")
    host.machine.write("/proc/net/route", host.machine.read("/proc/net/route").replace("ens3", "br0"))


def disk(host):
    host.machine.write(f"/sys/devices/pci0000:00/{CARD}/nvme0n1/dev", "259:0\n")
    host.machine.link("/sys/dev/block/259:0", f"../../devices/pci0000:00/{CARD}/nvme0n1")
    host.machine.write("/sys/devices/virtual/block/dm-0/dev", "254:0\n")
    host.machine.link("/sys/devices/virtual/block/dm-0/slaves/nvme0n1", f"../../../../pci0000:00/{CARD}/nvme0n1")
    host.machine.link("/sys/dev/block/254:0", "../../devices/virtual/block/dm-0")
    host.machine.write("/proc/self/mountinfo", "30 1 254:0 / /srv rw - ext4 /dev/dm-0 rw\n")


def nic(host, **facts):
    """An interface of the card that no default route leads through."""
    host.machine.link("/sys/class/net/ens9", f"../../devices/pci0000:00/{CARD}/net/ens9")
    host.machine.write(f"/sys/devices/pci0000:00/{CARD}/net/ens9/operstate", facts.get("state", "down") + "\n")
    if "master" in facts:
        host.machine.link(f"/sys/devices/pci0000:00/{CARD}/net/ens9/master", "../../../../virtual/net/" + facts["master"])


def nvme(host, mounts="", swaps="", holder=None, process=None):
    """A disk on the card of which the host knows otherwise than by its number."""
    host.machine.link("/sys/class/block/nvme0n1", f"../../devices/pci0000:00/{CARD}/nvme0n1")
    host.machine.write(f"/sys/devices/pci0000:00/{CARD}/nvme0n1/size", "9\n")
    host.machine.write("/proc/self/mountinfo", mounts)
    host.machine.write("/proc/swaps", "Filename Type Size Used Priority\n" + swaps)
    if holder:
        host.machine.write(f"/sys/devices/pci0000:00/{CARD}/nvme0n1/holders/{holder}/size", "9\n")
    if process:
        host.machine.link(f"/proc/{process}/fd/3", "/dev/nvme0n1")


BTRFS = "30 1 0:45 / /srv rw,relatime shared:1 - btrfs /dev/nvme0n1 rw\n"


def iommufd(host):
    host.machine.at(f"/sys/bus/pci/devices/{CARD}/vfio-dev/vfio0").mkdir(parents=True)
    host.machine.link("/proc/79/fd/5", "/dev/vfio/devices/vfio0")


def guest(host):
    host.machine.link("/proc/77/fd/5", "/dev/vfio/1")


@pytest.mark.parametrize(("kind", "refused"), [("060400", False), ("068000", True)])
def test_a_bridge_is_no_neighbour_and_a_switch_is_one(host, kind, refused):
    host.machine.function(BESIDE, driver="pcieport", group=1, kind=kind)
    assert any(host.modules.pci.shared({CARD: {}})) is refused


REFUSALS = {
    "neighbour": (stranger, {}, f"{CARD} shares IOMMU group 1 with {BESIDE}, which virtio-pci drives"),
    "moved": (lambda host: host.machine.function(CARD, device="100e", driver="e1000", group=1), {}, f"{CARD} is 8086:100e, not 8086:10c9"),
    "gone": (lambda host: host.machine.at("/sys/bus/pci/devices/" + CARD).unlink(), {}, f"there is no function at {CARD}"),
    "uplink": (uplink, {}, f"{CARD} is ens3, which the default route of this host leads through"),
    "uplink below a bridge": (bridged_uplink, {}, f"{CARD} is ens3, which the default route"),
    "disk": (disk, {}, f"{CARD} has the disk that is mounted at /srv"),
    "interface that is up": (lambda host: nic(host, state="up"), {}, f"{CARD} is ens9, which is up"),
    "interface of a bridge": (lambda host: nic(host, master="ovs-system"), {}, f"{CARD} is ens9, which belongs to ovs-system"),
    "disk of btrfs": (lambda host: nvme(host, mounts=BTRFS), {}, f"{CARD} has the disk that is mounted at /srv"),
    "swap": (lambda host: nvme(host, swaps="/dev/nvme0n1 partition 9 0 -2\n"), {}, f"{CARD} has the disk nvme0n1, which this host swaps to"),
    "disk of an array": (lambda host: nvme(host, holder="md0"), {}, f"{CARD} has the disk nvme0n1, which md0 is made of"),
    "open disk": (lambda host: nvme(host, process=88), {}, f"{CARD} is used by process 88"),
    "guest": (guest, {}, f"{CARD} is used by process 77"),
    "guest without a group": (iommufd, {}, f"{CARD} is used by process 79"),
    "driver that stays": (lambda host: None, {"keep_off": ["igb"]}, f"igb cannot be kept off this host: it drives {TWIN}, which stays"),
    "word that ends a line": (lambda host: None, {"arguments": ['a"; reboot']}, "has a character that GRUB"),
    "no ssh": (lambda host: host.machine.listen(), {}, "nothing listens on port 22"),
    "no environment": (lambda host: host.machine.at("/boot/grub/grubenv").unlink(), {}, "there is no /boot/grub/grubenv"),
    "foreign entries": (lambda host: host.machine.write("/boot/grub/custom.cfg", "menuentry mine {}\n"), {}, "/boot/grub/custom.cfg is somebody else's"),
    "foreign drop-in": (lambda host: host.machine.write("/etc/modprobe.d/ai-stack-pci-passthrough.conf", "mine\n"), {}, ".conf is somebody else's"),
    "somebody's next boot": (lambda host: host.machine._grub_reboot(["rescue"]), {}, "next_entry is rescue"),
    "no custom.cfg": (lambda host: host.machine.write(CONFIG, host.machine.read(CONFIG).replace("custom.cfg", "x")), {}, "does not read custom.cfg"),
    "no one-shot": (lambda host: host.machine.write(CONFIG, host.machine.read(CONFIG).replace("save_env next_entry", "")), {}, "for one boot"),
}


def test_an_interface_and_a_disk_that_nobody_uses_may_go(host):
    nic(host)
    nvme(host, mounts="30 1 0:45 / /srv rw - btrfs /dev/sda rw\n")
    assert list(host.modules.pci.in_use({CARD: {}})) == []


@pytest.mark.parametrize("name", REFUSALS)
def test_what_speaks_against_it_is_refused_before_any_change(host, name):
    spoil, want, words = REFUSALS[name]
    spoil(host)
    before = host.machine.files()
    assert words in host.refused(host.begin, want)
    assert host.machine.files() == before and host.open() is None and host.machine.calls == []


def test_all_that_speaks_against_it_is_said_at_once(host):
    stranger(host)
    uplink(host)
    said = host.refused(host.begin, {"keep_off": ["igb"]})
    assert all(words in said for words in ("shares IOMMU group", "default route", "cannot be kept off"))


def test_room_for_a_second_initramfs_is_looked_for(host, monkeypatch):
    monkeypatch.setattr(host.modules.initramfs.os, "statvfs", lambda path: type("S", (), {"f_bavail": 1, "f_frsize": 1}))
    assert "no room for a second initramfs" in host.refused(host.begin)


def test_an_initramfs_without_what_binds_is_not_tried(host):
    host.begin()
    host.machine.fails["lsinitramfs"] = (0, "scripts/init-top/udev")
    assert "lacks /scripts/init-top/ai-stack-trial" in host.refused(host.modules.journal.prepare)
    assert host.machine.environment() == {}
    host.machine.fails = {}
    host.modules.journal.restore()
    assert not TRIAL_FILES & set(host.machine.files())


@pytest.mark.parametrize("lines", ["", "\tinitrd\t/boot/other.img\n", f"\tinitrd\t/boot/initrd.img-{KERNEL} /boot/initrd.img-{KERNEL}\n"])
def test_an_entry_whose_initramfs_is_not_told_is_not_copied(host, lines):
    text = host.machine.read(CONFIG)
    host.machine.write(CONFIG, text.replace(f"\tinitrd\t/boot/initrd.img-{KERNEL}\n", lines, 1))
    host.begin()
    assert "no initramfs of its own" in host.refused(host.modules.journal.prepare)


def test_firmware_beside_the_initramfs_stays_beside_it(host):
    text = host.machine.read(CONFIG)
    host.machine.write(CONFIG, text.replace("initrd\t/boot/initrd.img", "initrd\t/ucode.img /initrd.img"))
    host.prepare()
    assert "initrd\t/ucode.img /ai-stack-trial.img\n" in host.machine.read("/boot/grub/custom.cfg")


def test_an_initramfs_that_does_not_bind_is_not_kept(host, monkeypatch):
    host.prepare()
    host.boots()
    monkeypatch.setattr(host.machine, "_update_initramfs", lambda arguments: (0, ""))
    assert "lacks /scripts/init-top/ai-stack-pci-passthrough" in host.refused(host.modules.journal.commit)


def test_a_timer_that_still_runs_does_not_end_what_is_kept(host, monkeypatch):
    ended = []
    monkeypatch.setattr(host.modules.initramfs.os, "kill", lambda pid, signal: ended.append(pid))
    host.prepare()
    host.boots()
    host.machine.write("/run/ai-stack-trial.pids", "101\n")
    host.modules.journal.commit()
    assert ended == [101]


def test_an_entry_that_grub_did_not_note_is_no_trial(host):
    host.begin()
    host.machine.fails["grub-reboot"] = (0, "")
    assert "does not have it" in host.refused(host.modules.journal.prepare)


def test_what_could_not_be_kept_is_taken_back(host):
    before = host.machine.files()
    host.prepare()
    host.boots()
    host.machine.fails["update-grub"] = (1, "no space left")
    assert "no space left" in host.refused(host.modules.journal.commit)
    assert host.modules.journal.restore("commit failed") == {"result": "restored", "reboot": True}
    assert host.machine.files() == before and host.last()["reason"] == "commit failed"
    assert host.modules.journal.restore()["result"] == "restored before"


def test_what_was_kept_is_not_called_led_back(host):
    """The word of a commit was lost on its way: whoever leads back then is told so."""
    host.commits()
    assert "the change was kept before that" in host.refused(host.modules.journal.restore)


def test_a_configuration_that_lost_the_words_is_not_kept(host, monkeypatch):
    """A file that comes after ours may put its own words in the place of all."""
    host.prepare()
    host.boots()
    monkeypatch.setattr(host.machine, "_update_grub", lambda arguments: (0, ""))
    assert "lacks intel_iommu=on iommu=pt" in host.refused(host.modules.journal.commit)


def test_all_that_was_brought_goes_and_nothing_else(host):
    before = host.machine.files()
    host.commits({"keep_off": ["nouveau"]})
    assert host.machine.read("/etc/modprobe.d/ai-stack-pci-passthrough.conf").endswith("blacklist nouveau\n")
    assert len(host.modules.journal.differs()["differs"]) == 8
    host.modules.journal.follow_up()
    assert host.modules.journal.absent() == {"changed": True, "reboot": True}
    assert not host.machine.at("/etc/ai-stack").exists() and not host.machine.at("/etc/default/grub.d").exists()
    after = host.machine.files()
    assert {path for path in {*before, *after} if before.get(path) != after.get(path)} == {IMAGE} and "keep " not in after[IMAGE]
    assert host.modules.journal.absent() == {"changed": False, "reboot": True}
    host.machine.boot()
    assert host.modules.journal.absent() == {"changed": False, "reboot": False} and host.machine.driver(CARD) == "igb"


def test_a_removal_that_was_cut_off_is_finished(host):
    host.commits()
    host.machine.fails["update-grub"] = (1, "power")
    host.refused(host.modules.journal.absent)
    host.machine.fails = {}
    assert host.modules.journal.differs()["differs"] and host.modules.journal.absent()["changed"]
    assert "intel_iommu" not in host.machine.read(CONFIG)


def test_what_a_write_that_was_cut_off_left_goes_and_nothing_else(host):
    before = host.machine.files()
    host.begin()
    halves = [path + ".ai-stack-812" for path in (host.modules.journal.HOOK, CONFIG, IMAGE)]
    for path in [*halves, IMAGE + ".new", IMAGE + ".bak", "/etc/initramfs-tools/hooks/theirs.ai-stack-812"]:
        host.machine.write(path, "half")
    host.modules.journal.restore("no")
    assert set(host.machine.files()) - set(before) == {IMAGE + ".bak", "/etc/initramfs-tools/hooks/theirs.ai-stack-812"}


def test_who_uses_a_card_is_named_before_it_is_taken_back(host):
    host.commits()
    guest(host)
    before = host.machine.files()
    assert host.modules.journal.differs()["used"] == [f"{CARD} is used by process 77"]
    assert host.refused(host.modules.journal.absent) == f"{CARD} is used by process 77"
    assert host.refused(host.begin, {"cards": {TWIN: {"vendor": "8086", "device": "10c9"}}}) == f"{CARD} is used by process 77"
    assert host.machine.files() == before and host.open() is None


def test_a_disk_that_only_the_kernel_knows_the_use_of_is_refused(host, monkeypatch):
    """As one of a pool of ZFS: sysfs names no holder, and what is mounted has neither its number nor its name."""
    nvme(host, mounts="30 1 0:45 / /srv rw - zfs tank/srv rw\n")
    seen = []

    def opened(path, flags):
        seen.append((path, flags & os.O_EXCL))
        raise OSError(errno.EBUSY, "busy")

    monkeypatch.setattr(host.modules.pci.os, "open", opened)
    assert list(host.modules.pci.in_use({CARD: {}})) == [f"{CARD} has the disk nvme0n1, which this host has in use"]
    assert seen == [(host.machine.root + "/dev/nvme0n1", os.O_EXCL)]


def test_a_change_is_one_owners(host, monkeypatch, capsys):
    host.begin()
    monkeypatch.setattr(host.modules.host, "lock", lambda function, *arguments: function(*arguments))
    assert host.modules.cli.main(["--owner", "other", "prepare"]) == 1
    assert "me has been changing this host" in capsys.readouterr().err
    assert host.modules.cli.main(["--owner", "me", "prepare"]) == 0
    assert host.modules.cli.main(["status"]) == 0 and json.loads(capsys.readouterr().out.splitlines()[-1])["step"] == "armed"


def test_the_packed_program_runs_as_a_command(host, tmp_path_factory):
    """All that it imports is in the archive."""
    command = tmp_path_factory.mktemp("bin") / "ai-stack-pci-passthrough"
    command.write_bytes(packed(packed_paths()))
    host.prepare()
    environment = {"AI_STACK_HOST_ROOT": host.machine.root}
    done = subprocess.run([sys.executable, command, "status"], env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "") and json.loads(done.stdout)["step"] == "armed"
    done = subprocess.run([sys.executable, command, "begin"], env=environment, input="{}", capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1 and "pci_passthrough begin: " in done.stderr
