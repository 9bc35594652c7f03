# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""Would this release of Nova start with this configuration? Its own parser says so, on a copy; the services know nothing of it.

Run by the Python that has Nova. It reads a JSON list of documents from its input, so that Nova is loaded once for all of them, each of which is:
  {prefix: folder of the copy, devices: [the host's PCI functions], reported: were cards of this host ever in Placement, what: all or values,
   services: {name: {project, args, files, dirs, ours: our file, wanted: {section: {key: value}}, keys: [[section, key]]}}}
and prints a list with, for each, {refusals: [sentence], values: {service: {"section.key": value}}}. Each sentence names the service, and file and line
where there is one.
"""

from __future__ import annotations

import json
import os
import sys

import options

LISTS = (("pci", "device_spec"), ("pci", "alias"))


class Service:
    """One service, its configuration loaded by its own code."""

    def __init__(self, name, given, prefix):
        self.name, self.given, self.prefix = name, given, prefix
        self.conf = configuration(given["project"])
        self.files = []

    def shown(self, text):
        return str(text).replace(self.prefix, "").strip()

    def load(self):
        """Read it as the service does; a sentence where it cannot."""
        from oslo_config import cfg

        try:
            self.conf(self.given["args"], project=self.given["project"], prog=self.name, default_config_files=self.given["files"],
                      default_config_dirs=self.given["dirs"])
        except cfg.ConfigFileParseError as error:
            return "%s: its configuration cannot be read: %s" % (self.name, self.shown(no_line(error)))
        except (cfg.Error, SystemExit) as error:
            return "%s: its configuration cannot be read: %s" % (self.name, self.shown(error).replace("\n", " "))
        self.files = read_by(self.given)
        return None

    def lines(self, section, key):
        """[(file, line, value)] of an option, under its old names too."""
        names = {(section, key)} | {(old.group or section, old.name) for old in self.deprecated(section, key)}
        return [(path, number, value) for path in self.files for number, where, name, value in options.places(text_of(path)) if (where, name) in names]

    def deprecated(self, section, key):
        # the one way to the old names of an option that oslo.config offers
        info = self.conf._get_opt_info(key, None if section == "DEFAULT" else section)
        return info["opt"].deprecated_opts

    def value(self, section, key):
        return self.conf[key] if section == "DEFAULT" else self.conf[section][key]

    def at(self, path, line):
        return "%s: %s line %d" % (self.name, self.shown(path), line)


def no_line(error):
    """Where a file cannot be parsed: oslo.config quotes the broken line itself, and a password may stand in it."""
    return "Failed to parse %s: at %s:%s" % (error.config_file, error.config_file, getattr(error.__context__, "lineno", "an unknown line"))


def configuration(project):
    """The options of a project, as its own code registers them."""
    if project == "placement":
        from oslo_config import cfg
        from placement import conf

        found = cfg.ConfigOpts()
        conf.register_opts(found)
        return found
    import nova.conf
    from nova import objects

    objects.register_all()
    return nova.conf.CONF


def read_by(given):
    """The files that a service reads, in that order: what no argument names comes first."""
    named = [arg.split("=", 1) for arg in given["args"]]
    found = [] if any(name == "--config-file" for name, _path in named) else list(given["files"])
    for folder in [] if any(name == "--config-dir" for name, _path in named) else given["dirs"]:
        found += inside(folder)
    for name, path in named:
        found += inside(path) if name == "--config-dir" else [path]
    return [path for path in found if os.path.isfile(path)]


def inside(folder):
    return [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".conf")] if os.path.isdir(folder) else []


def text_of(path):
    with open(path, encoding="utf-8", errors="replace") as stream:
        return stream.read()


def unread(service):
    """Options of ours that this release does not have, does not take, or reads from somebody else's file."""
    from oslo_config import cfg

    for section, values in sorted(service.given["wanted"].items()):
        for key, wanted in sorted(values.items()):
            try:
                service.value(section, key)
            except (cfg.NoSuchOptError, cfg.NoSuchGroupError):
                yield "%s: this release has no option [%s] %s" % (service.name, section, key)
                continue
            except (cfg.Error, ValueError) as error:
                why = sentence(service.shown(error)).rpartition("is not valid: ")[2]
                for path, line, value in service.lines(section, key)[-1:]:
                    yield "%s: [%s] %s = %s is no value for it (%s)" % (service.at(path, line), section, key, value, why)
                continue
            if not isinstance(wanted, list):
                yield from beaten(service, section, key, wanted)


def beaten(service, section, key, wanted):
    """A single value is that of the file which is read last: somebody else's may take ours away without a word."""
    group = None if section == "DEFAULT" else section
    has = service.value(section, key)
    service.conf.set_override(key, wanted, group)
    ours = service.value(section, key)
    service.conf.clear_override(key, group)
    if has == ours:
        return
    lines = [row for row in service.lines(section, key) if row[0] != service.given["ours"]]
    for path, line, value in lines[-1:]:
        yield ("%s: [%s] %s = %s beats our %s: take that line out, or let the folder of drop-ins be read after the files (the role's README says how)"
               % (service.at(path, line), section, key, value, service.shown(service.given["ours"])))
    if not lines:
        yield "%s: it does not read our %s" % (service.name, service.shown(service.given["ours"]))


def aliases(service):
    """Every line by itself, then all together: an alias in two files is there twice."""
    from nova import exception
    from nova.pci import request

    ask = getattr(request, "get_alias_from_config", None) or request._get_alias_from_config
    ask = getattr(ask, "__wrapped__", ask)
    lines, bad, names = service.lines("pci", "alias"), [], {}
    for path, line, value in lines:
        service.conf.set_override("alias", [value], "pci")
        try:
            for name in ask():
                names.setdefault(name, []).append((path, line))
        except (exception.NovaException, AttributeError, KeyError, TypeError) as error:
            bad.append("%s: Nova does not take this alias: %s" % (service.at(path, line), sentence(error)))
    service.conf.clear_override("alias", "pci")
    for name, where in sorted(names.items()) if not bad else ():
        # two of one name are two ways to get a card, or a mistake that shows with the first server
        others = [place for place in where if place[0] != service.given["ours"]]
        if len(where) > 1 and len(others) < len(where) and others:
            bad.append("%s: alias %s stands in our %s too, and lines add up: take it out there"
                       % (service.at(*others[0]), name, service.shown(service.given["ours"])))
    if not bad:
        try:
            ask()
        except exception.NovaException as error:
            bad.append("%s: Nova does not take these aliases together: %s (%s)"
                       % (service.name, sentence(error), ", ".join("%s line %d" % (service.shown(path), line) for path, line, _value in lines)))
    return bad


def sentence(error):
    return " ".join(str(error).split()).rstrip(".")


def specs(service):
    """([(file, line, Nova's own object of it)], refusals) of the lines of device_spec."""
    from nova.pci import whitelist

    good, bad = [], []
    for path, line, value in service.lines("pci", "device_spec"):
        try:
            good += [(path, line, one) for one in whitelist.Whitelist([value]).specs]
        except Exception as error:  # whatever it is, it would end nova-compute
            bad.append("%s: Nova does not take this device_spec: %s" % (service.at(path, line), sentence(error) or type(error).__name__))
    return good, bad


def device(row):
    from nova import objects

    return objects.PciDevice(address=row["address"], vendor_id=row["vendor_id"], product_id=row["product_id"], dev_type=row["dev_type"],
                             parent_addr=row["parent_addr"], status="available", extra_info={}, instance_uuid=None)


def devices(service, rows):
    """What nova-compute refuses to start with, and lines of ours that take nothing or that another line takes first."""
    from nova import exception
    from nova.compute import pci_placement_translator as translator

    good, bad = specs(service)
    taken, view = {}, None
    if service.conf.pci.report_in_placement:
        view = view_of(translator)
        for path, line, one in good:
            try:
                translator.ensure_no_dev_spec_with_devname([one])
            except exception.NovaException as error:
                bad.append("%s: %s" % (service.at(path, line), sentence(error)))
    for row in rows:
        there = device(row)
        mine = [(path, line, one) for path, line, one in good if one.match_pci_obj(there)]
        for path, line, _one in mine:
            taken.setdefault((path, line), []).append(row["address"])
        if len({line[:2] for line in mine}) > 1 and service.given["ours"] in {path for path, _line, _one in mine}:
            bad.append("%s: it takes %s, as %s line %d does: the first one alone counts"
                       % (service.at(*mine[0][:2]), row["address"], service.shown(mine[1][0]), mine[1][1]))
        if mine and view is not None:
            try:
                (getattr(view, "_add_dev", None) or view.add_dev)(there, mine[0][2].get_tags())
            except Exception as error:  # whatever it is, it would end nova-compute
                bad.append("%s: Nova does not take %s: %s" % (service.at(*mine[0][:2]), row["address"], sentence(error)))
    for path, line, _one in good:
        if path == service.given["ours"] and (path, line) not in taken:
            bad.append("%s: it takes no device of this host" % service.at(path, line))
    return bad


def view_of(translator):
    try:
        return translator.PlacementView("host", [])
    except TypeError:
        # releases that do not look at resizes
        return translator.PlacementView("host")


def reporting(service, reported):
    """Nova's own word about a host that reported and is not to do so any more."""
    import os_traits
    from nova import exception
    from nova.compute import pci_placement_translator as translator
    from nova.compute import provider_tree

    if service.conf.pci.report_in_placement or not reported or not hasattr(translator, "ensure_tracking_was_not_enabled_before"):
        return []
    tree, root = provider_tree.ProviderTree(), "00000000-0000-0000-0000-000000000000"
    tree.new_root("host", root, generation=0)
    tree.update_traits(root, [os_traits.COMPUTE_MANAGED_PCI_DEVICE])
    try:
        translator.ensure_tracking_was_not_enabled_before(tree)
    except exception.NovaException as error:
        where = [service.at(path, line) for path, line, _value in service.lines("pci", "report_in_placement")[-1:]]
        return ["%s: %s" % (where[0] if where else service.name, sentence(error))]
    return []


def filters(service):
    """A filter that is not there ends nova-scheduler."""
    from nova.scheduler import filters as known

    wanted = service.lines("filter_scheduler", "enabled_filters")[-1:]
    try:
        names = {one.__name__ for one in known.HostFilterHandler().get_matching_classes(service.conf.filter_scheduler.available_filters)}
    except Exception as error:  # whatever it is, it would end nova-scheduler
        return ["%s: [filter_scheduler] available_filters cannot be loaded: %s" % (service.name, sentence(error))]
    return ["%s: this release has no filter %s" % (service.at(path, line), name)
            for path, line, _value in wanted for name in service.conf.filter_scheduler.enabled_filters if name not in names] + lost_filters(service)


def lost_filters(service):
    """Filters of the site that our list would take out of force; without them a server may come to hosts that are not its tenant's."""
    lines, ours = service.lines("filter_scheduler", "enabled_filters"), service.given["ours"]
    others = [row for row in lines if row[0] != ours]
    if not others or len(others) == len(lines):
        return []
    path, line, value = others[-1]
    has = service.conf.filter_scheduler.enabled_filters
    return ["%s: it has the filter %s, and our %s takes it away: name it in ours too, or take it out there"
            % (service.at(path, line), name, service.shown(ours)) for name in (one.strip() for one in value.split(",")) if name and name not in has]


def limits(service):
    """Keystone's word on the login that Nova reads limits with: without them no tenant gets a server."""
    if service.conf.quota.driver != "nova.quota.UnifiedLimitsDriver":
        return []
    where = [service.at(path, line) for path, line, _value in service.lines("quota", "driver")[-1:]]
    try:
        from oslo_limit import limit

        # each service has a login of its own, and the library remembers one
        limit._SDK_CONNECTION = None
        limit.Enforcer(lambda *_words: {}).get_registered_limits(["servers"])
    except Exception as error:  # whatever it is, it would be the answer to every tenant
        return ["%s: limits cannot be read with [oslo_limit]: %s" % (where[0] if where else service.name, sentence(error))]
    return []


def judged(service, document):
    """Every refusal of one service."""
    wrong = service.load()
    if wrong:
        return [wrong]
    found = list(unread(service))
    if found:
        return found
    if service.name in ("nova-compute", "nova-api"):
        found += aliases(service)
    if service.name in ("nova-api", "nova-conductor"):
        found += limits(service)
    if service.name == "nova-compute":
        found += devices(service, document["devices"]) + reporting(service, document["reported"])
    if service.name == "nova-scheduler":
        found += filters(service)
    return found


def values(service):
    """{"section.key": value} as the service has them; None where it cannot say."""
    found = {}
    for section, key in service.given["keys"]:
        try:
            value = service.value(section, key)
        except Exception:  # whatever keeps it from having a value
            value = None
        found["%s.%s" % (section, key)] = [str(one) for one in value] if isinstance(value, (list, tuple)) else str(value)
    return found


def judge(document):
    answer = {"refusals": [], "values": {}}
    for name, given in sorted(document["services"].items()):
        service = Service(name, given, document["prefix"])
        wrong = judged(service, document) if document["what"] == "all" else [one for one in [service.load()] if one]
        answer["refusals"] += wrong
        if not wrong:
            answer["values"][name] = values(service)
    return answer


def main():
    # what Nova says while it loads is not part of the answer
    answers, sys.stdout = sys.stdout, sys.stderr
    print(json.dumps([judge(document) for document in json.load(sys.stdin)]), file=answers)
