# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""What the program of the role makes of a host: files whole or as before, and a daemon that runs."""

from __future__ import annotations

import io

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cluster import containerd

from .conftest import STOCK, VARS, Killed

OTHER = containerd.FOLDER + "/99-nvidia.toml"


def refused(host, *words, **changed):
    with pytest.raises(host.modules.ledger.Refused) as error:
        host.apply(*words, **changed)
    return str(error.value)


def resources(rows):
    return [row["resource"].partition(":")[2] for row in rows]


def test_the_marker_is_the_cores():
    assert VARS["__container_runtime_marker"] == containerd.MARKER


def test_a_fresh_node_gets_its_files_and_a_second_run_changes_nothing(host):
    assert resources(host.look()["differs"]) == [*sorted([containerd.ROOT, containerd.DROP_IN, "/etc/containerd/certs.d/_default/hosts.toml"])]
    assert host.starts == 0 and host.text(containerd.ROOT) == STOCK
    assert host.apply() == {"changed": True, "restarted": True} and host.starts == 1
    assert host.text(containerd.DROP_IN) == containerd.drop_in(4, "registry.k8s.io/pause:3.10.2")
    assert host.apply() == {"changed": False, "restarted": False} and host.starts == 1
    assert host.look() == {"differs": [], "adopted": False, "open": None}


def test_absent_leads_back_to_what_the_package_had(host):
    host.apply()
    assert host.apply(state="absent")["changed"]
    assert host.text(containerd.ROOT) == STOCK and host.text(containerd.DROP_IN) is None
    assert host.text("/etc/containerd/certs.d/_default/hosts.toml") is None
    assert not host.apply(state="absent")["changed"]


def test_a_daemon_that_does_not_start_gets_the_files_of_before(host):
    host.breaks = lambda: "restrict_oom_score_adj" in (host.text(containerd.DROP_IN) or "")
    host.apply()
    said = refused(host, {"restrict_oom_score_adj": True})
    assert "containerd.service does not start: containerd: no such plugin" in said and "runs with the files of before the change" in said
    assert host.text(containerd.DROP_IN) == containerd.drop_in(4, "registry.k8s.io/pause:3.10.2")
    assert host.ground.load(host.change().ledger.open) is None


def test_a_daemon_without_the_part_that_a_kubelet_asks_gets_the_files_of_before(host):
    host.lame = lambda: "restrict_oom_score_adj" in (host.text(containerd.DROP_IN) or "")
    host.apply()
    said = refused(host, {"restrict_oom_score_adj": True}, answer=0)
    assert "the part that a kubelet asks does not serve within 0 s" in said and "runs with the files of before the change" in said


def test_a_daemon_that_somebody_stopped_runs_again(host):
    host.apply()
    host.unit = ["inactive", "disabled"]
    assert resources(host.look()["differs"]) == ["containerd.service"]
    assert host.apply()["changed"] and host.unit == ["active", "enabled"] and host.look()["differs"] == []


def test_a_way_back_that_fails_too_tells_both(host):
    host.apply()
    host.breaks = lambda: True
    said = refused(host, {"restrict_oom_score_adj": True})
    assert "does not start" in said and "the files of before the change are back, and yet" in said


def test_before_the_package_comes_only_what_needs_no_daemon_is_asked(host):
    host.ground.run = lambda *_words, **_more: (1, "no containerd here")
    assert resources(host.look(dumps=False)["differs"])[0] == "/etc/containerd/certs.d/_default/hosts.toml"
    host.write(OTHER, "version = 5\n")
    with pytest.raises(host.modules.ledger.Refused, match="K8S-N3"):
        host.look(dumps=False)


def test_a_node_of_a_cluster_keeps_its_runtime(host):
    host.apply()
    host.write("/etc/kubernetes/kubelet.conf", "")
    assert "this host is a node of a cluster" in refused(host, state="absent")
    assert host.text(containerd.DROP_IN) is not None


def test_somebody_elses_newer_drop_in_is_no_reason_to_keep_ours(host):
    host.apply()
    host.write(OTHER, "version = 5\n")
    assert host.apply(state="absent")["changed"] and host.text(containerd.ROOT) == STOCK and host.text(OTHER) is not None


def test_what_was_cut_off_is_finished_by_the_next_run(host):
    host.dies = True
    with pytest.raises(Killed):
        host.apply()
    assert host.look()["open"]["step"] == "restart" and host.look()["differs"] == []
    host.dies = False
    assert host.apply()["changed"] and host.look()["open"] is None
    host.apply(state="absent")
    assert host.text(containerd.ROOT) == STOCK


def test_a_root_file_of_the_site_stays_where_it_takes_the_folder_in(host):
    host.write(containerd.ROOT, f'version = 4\nimports = ["{containerd.FOLDER}/*.toml"]\noom_score = -999\n')
    assert host.look()["adopted"] and containerd.ROOT not in resources(host.look()["differs"])
    host.apply()
    assert "oom_score" in host.text(containerd.ROOT)


def test_a_root_file_of_the_site_that_takes_nothing_in_is_refused(host):
    host.write(containerd.ROOT, "version = 4\noom_score = -999\n")
    assert "does not take in /etc/containerd/conf.d" in refused(host)
    assert host.starts == 0 and host.text(containerd.DROP_IN) is None


def test_a_file_of_ours_that_somebody_else_wrote_is_refused(host):
    host.write(containerd.DROP_IN, "version = 4\n")
    assert "it has the name of our file and not our marker" in refused(host)


def test_a_drop_in_that_is_newer_than_the_root_file_is_refused(host):
    """K8S-N3: containerd 2.3.0 to 2.3.4 would end, and the node with it."""
    host.write(OTHER, "version = 5\n")
    said = refused(host)
    assert f"K8S-N3: {OTHER} has version 5, and /etc/containerd/config.toml takes it in with version 4" in said and host.starts == 0


def test_a_setting_that_another_drop_in_beats_is_refused(host):
    host.write(OTHER, "version = 4\n[plugins.'io.containerd.cri.v1.runtime'.containerd]\ndefault_runtime_name = 'nvidia'\n")
    assert "default_runtime_name = nvidia, and not runc: another drop-in says so" in refused(host)
    host.write(OTHER, "version = 4\n[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.nvidia]\nruntime_type = 'io.containerd.runc.v2'\n")
    assert host.apply()["changed"] and host.text(OTHER) is not None


def test_a_fresh_change_of_another_is_left_alone(host):
    host.dies = True
    with pytest.raises(Killed):
        host.apply()
    with pytest.raises(host.modules.ledger.Refused, match="me has been changing this host"):
        host.modules.ledger.Ledger(host.ground).refuse_second_owner("somebody else")


def test_the_command_line_answers_with_one_sentence(host, monkeypatch, capsys):
    cli = host.modules.cli
    monkeypatch.setattr(cli, "GROUND", host.ground)
    monkeypatch.setattr("sys.stdin", io.StringIO("{}"))
    assert cli.main(["look"]) == 1 and "container_runtime look: cannot read what it was given (KeyError" in capsys.readouterr().err
    assert cli.main(["nonsense"]) == 2 and "Usage" in capsys.readouterr().err
    assert cli.main(["status"]) == 0 and '"open": null' in capsys.readouterr().out
