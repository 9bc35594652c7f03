# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""A real apt reads the host's sources together with the drop-in, whatever options they carry: below a root of its own, without a network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._parse.sources import NO_FIELD

# apt itself is the judge here, and other distributions have none; make test runs on Debian
pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt")
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
SECOND = "/usr/share/keyrings/debian-archive-removed-keys.gpg"
INLINE = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mDMEXEcE6RYJ/wYBBAHaRw8BAQdArjWwk3FAqyiFbFBKT4Tz\n =abcd\n -----END PGP PUBLIC KEY BLOCK-----"
FORMAT = "$(COMPONENT)/$(METAKEY) $(BY_HASH) $(PDIFFS)"
WHERE = "http://mirror.example.org/debian"
# apt refuses to read a suite of which two entries differ in one of these
REFUSED = ["check-valid-until=no", "trusted=yes", "check-date=no", "valid-until-max=864000", "valid-until-min=9", "date-max-future=9"]
# and fetches something else, in silence, for these
SILENT = ["arch=amd64", "arch=amd64,arm64", "arch+=riscv64", "arch-=i386", "lang=none", "lang=de,en", "target=Packages", "target-=Translations", "by-hash=no",
          "pdiffs=no"]  # fmt: skip
# apt 2.6 refuses these too, apt 3.0 takes the key of the other entry
KEYED = [f"signed-by={KEYS}", f"signed-by={KEYS},{SECOND}"]
COMBINED = ["arch=amd64 trusted=yes", f"check-valid-until=no signed-by={KEYS} by-hash=no arch=amd64,arm64"]
one_line = pytest.mark.parametrize("options", REFUSED + SILENT + KEYED + COMBINED)
FIELDS = ["Check-Valid-Until: no", "trusted: yes", "Signed-By:\n %s\n %s" % (KEYS, SECOND), "Architectures: amd64 arm64", "Architectures-Remove: i386",
          "Languages-Add: de", "Check-Date: no\nTrusted: yes\n# a comment\nBy-Hash: force", "X-Note: not one of apt's"]  # fmt: skip


@pytest.fixture
def read(program):
    """apt's complaints, and {component: what it would fetch of it}, of the machine's sources."""
    _modules, machine = program
    for folder in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial"):
        os.makedirs(f"{machine.root}/{folder}")
    machine.write("/apt.conf", f'Dir "{machine.root}";\nDir::State::status "{machine.root}/var/lib/dpkg/status";\n'
                               'APT::Architecture "amd64";\nAPT::Architectures {"amd64"; "i386";};\nAcquire::Languages {"fr";};\n')  # fmt: skip

    def run():
        command, environment = ["apt-get", "indextargets", "--no-release-info", "--format", FORMAT], {**os.environ, "APT_CONFIG": machine.root + "/apt.conf"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        found = {}
        for line in done.stdout.splitlines():
            component, _slash, path = line.partition("/")
            found.setdefault(component, set()).add(path.replace(component + "/", "", 1))
        return done.stderr, found

    return run


def add(program, name, text):
    modules, machine = program
    machine.write("/etc/apt/" + name, text)
    modules.components.write("ours", "bookworm", "main", "contrib")
    return machine.read(modules.components.DROP_IN)


def stanza(fields, components="main"):
    return f"Types: deb\nURIs: {WHERE}\nSuites: bookworm\nComponents: {components}\n{fields}\n"


@one_line
def test_a_line_and_its_drop_in_are_fetched_alike(program, read, options):
    assert add(program, "sources.list", f"deb [{options}] {WHERE} bookworm main\n")
    said, found = read()
    assert not said and found["contrib"] == found["main"]


@pytest.mark.parametrize("fields", FIELDS)
def test_a_stanza_and_its_drop_in_are_fetched_alike(program, read, fields):
    assert add(program, "sources.list.d/debian.sources", stanza(fields))
    said, found = read()
    assert not said and found["contrib"] == found["main"]


@pytest.mark.parametrize("option", REFUSED + SILENT)
def test_a_drop_in_that_lost_an_option_is_not_taken_for_good(program, read, option):
    """Else the tests above could not fail."""
    modules, machine = program
    text = add(program, "sources.list", f"deb [{option}] {WHERE} bookworm main\n")
    machine.write(modules.components.DROP_IN, re.sub(r"Components: contrib\n.*", "Components: contrib\n", text, flags=re.S))
    said, found = read()
    if option in REFUSED:
        assert "Conflicting values set for option" in said and "The list of sources could not be read" in said and not found
    else:
        assert not said and found["contrib"] != found["main"]


@pytest.mark.parametrize("word", ["no", "No", "false", "off", "0", "without", "disable", "yes", "true", "on", "1", "with", "enable", "perhaps"])
def test_a_stanza_that_is_off_for_apt_is_off_here(program, read, word):
    added = add(program, "sources.list.d/debian.sources", stanza(f"Enabled: {word}"))
    said, found = read()
    assert not said and set(found) == ({"main", "contrib"} if added else set())


def test_a_key_within_the_source_is_somebody_elses_and_would_be_kept(program, read):
    modules, machine = program
    assert add(program, "sources.list.d/debian.sources", stanza("Signed-By:" + INLINE)) is None
    sources = modules.components.sources
    machine.write(modules.components.DROP_IN, "\n".join(map(sources.render, sources.with_components(modules.components.entries(), ["contrib"]))))
    said, found = read()
    assert not said and found["contrib"] == found["main"]


@pytest.mark.parametrize("line", [f"deb [trusted=yes] {WHERE} bookworm/", *(f"deb [{option}=yes] {WHERE} bookworm main" for option in sorted(NO_FIELD))])
def test_what_apt_would_not_take_is_not_written(program, read, line):
    modules, machine = program
    assert add(program, "sources.list", line + "\n") is None
    assert not read()[0]
    machine.write(modules.components.DROP_IN, modules.components.sources.render(dict(modules.components.entries()[0], components=["contrib"])))
    assert read()[0].startswith("E: ")
