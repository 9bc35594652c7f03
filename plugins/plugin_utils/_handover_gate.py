# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The gate of a hand-over: PROJECT there|exactly|gone WANTED reads the configuration as the service beside it does, and says what of WANTED is not there, what
else is (exactly), or which of its lines still are (gone).

Runs inside of the other tool's container or environment, from standard input; knows nothing but oslo.config, and Nova or Placement as they are there.
WANTED is JSON, {section: {option: value or lines}}. Ends with 0 for "as planned", with 1 for what is not, and with 2 for what this release would refuse.
"""

from __future__ import annotations

import json
import sys
import tempfile


class Refused(Exception):
    """What this release does not take, in one sentence."""


def options_of(project):
    """The options of a project, all of them registered."""
    if project == "nova":
        import nova.conf

        return nova.conf.CONF
    import placement.conf
    from oslo_config import cfg

    conf = cfg.ConfigOpts()
    placement.conf.register_opts(conf)
    return conf


def value_of(conf, section, name):
    return conf[name] if section == "DEFAULT" else conf[section][name]


def as_read(conf, project, wanted, asks="there"):
    """What is wanted, as the release reads it: "true" is True there, and a list of filters a list. What is to be gone it need not take."""
    # placement says nothing at all without it
    rows = ["[placement_database]", "connection = sqlite://"] if project == "placement" else []
    for section, values in wanted.items():
        rows += ["[%s]" % section] + ["%s = %s" % (name, one) for name, value in values.items() for one in (value if isinstance(value, list) else [value])]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("\n".join(rows) + "\n")
        file.flush()
        conf([], project=project, default_config_files=[file.name], default_config_dirs=[])
    try:
        found = {(section, name): value_of(conf, section, name) for section, values in wanted.items() for name in values}
        if project == "nova" and asks != "gone":
            parsed(found)
    except Exception as error:  # whatever it is, the service would end with it
        raise Refused("%s: %s" % (type(error).__name__, " ".join(str(error).split())))
    return found


def parsed(values):
    """Nova's own parsers of lines and aliases."""
    if values.get(("pci", "device_spec")):
        from nova.pci import whitelist

        whitelist.Whitelist(values["pci", "device_spec"])
    if values.get(("pci", "alias")):
        from nova.pci import request

        ask = getattr(request, "get_alias_from_config", None) or request._get_alias_from_config
        # it remembers what it read, and there are two configurations
        getattr(ask, "__wrapped__", ask)()


def differing(project, wanted, file=None, asks="there"):
    """Sentences, one for each option or line that is not as it is asked for; lines of others beside ours are theirs, but where it is to be exactly that.
    file: in place of the project's own."""
    conf, found = options_of(project), []
    expected = as_read(conf, project, wanted, asks)
    conf([], project=project, **({"default_config_files": [file], "default_config_dirs": []} if file else {}))
    for (section, name), value in expected.items():
        there, many = value_of(conf, section, name), isinstance(wanted[section][name], list)
        for line in value if many else ():
            if (line in there) == (asks == "gone"):
                found.append("[%s] %s %s %s" % (section, name, "still has" if asks == "gone" else "lacks", line))
        for line in there if many and asks == "exactly" else ():
            if line not in value:
                found.append("[%s] %s has %s too" % (section, name, line))
        if not many and there != value:
            found.append("[%s] %s is %s, not %s" % (section, name, there, value))
    return found


def main(project, asks, wanted):
    try:
        found = differing(project, json.loads(wanted), asks=asks)
    except Refused as why:
        print("this release does not take it: %s" % why)
        return 2
    except Exception as error:  # whatever cannot be read is not as it is wanted
        # a line that cannot be parsed may have a password in it
        found = ["the configuration cannot be read: %s: %s" % (type(error).__name__, getattr(error, "config_file", None) or error)]
    print("\n".join(found) if found else "as planned")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
