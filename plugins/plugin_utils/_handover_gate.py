# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The gate of a hand-over: PROJECT WANTED [FILE] reads the configuration as the service beside it does, and says what is missing of WANTED.

Runs inside of the other tool's container or environment, from standard input; knows nothing but oslo.config, and Nova or Placement as they are there.
WANTED is JSON, {section: {option: value or lines}}; FILE, for tests, in place of the files that the project reads by itself.
"""

from __future__ import annotations

import json
import sys
import tempfile


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


def as_read(conf, project, wanted):
    """What is wanted, as the release reads it: "true" is True there, and a list of filters a list."""
    # placement says nothing at all without it
    rows = ["[placement_database]", "connection = sqlite://"] if project == "placement" else []
    for section, values in wanted.items():
        rows += ["[%s]" % section] + ["%s = %s" % (name, one) for name, value in values.items() for one in (value if isinstance(value, list) else [value])]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("\n".join(rows) + "\n")
        file.flush()
        conf([], project=project, default_config_files=[file.name], default_config_dirs=[])
    return {(section, name): value_of(conf, section, name) for section, values in wanted.items() for name in values}


def missing(project, wanted, file=None):
    """Sentences, one for each option or line that is not as it is wanted; lines of others beside ours are theirs."""
    conf, found = options_of(project), []
    expected = as_read(conf, project, wanted)
    conf([], project=project, **({"default_config_files": [file], "default_config_dirs": []} if file else {}))
    for (section, name), value in expected.items():
        there, many = value_of(conf, section, name), isinstance(wanted[section][name], list)
        for line in value if many else ():
            if line not in there:
                found.append("[%s] %s lacks %s" % (section, name, line))
        if not many and there != value:
            found.append("[%s] %s is %s, not %s" % (section, name, there, value))
    return found


def main(project, wanted, *file):
    try:
        found = missing(project, json.loads(wanted), *file)
    except Exception as error:  # whatever cannot be read is not as it is wanted
        found = ["the configuration cannot be read: %s: %s" % (type(error).__name__, error)]
    print("\n".join(found) if found else "as planned")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
