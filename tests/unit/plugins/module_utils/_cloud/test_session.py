# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, sovereign.ai_stack contributors
"""The edge towards a cloud: the login for the whole system, pages, and one sentence for whatever goes wrong."""

from __future__ import annotations

from types import SimpleNamespace

import cloud as small
import pytest
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud import session
from ansible_collections.sovereign.ai_stack.plugins.module_utils._cloud.outcome import Call

SECRET = "pa55word-of-nobody"


class SDKFailure(Exception):
    """What the SDK raises."""


@pytest.fixture
def sdk(monkeypatch):
    """A stand-in of the two packages; sdk.connected and sdk.loaded are what they were asked for."""
    found = SimpleNamespace(connected=None, loaded=None, fails=None)

    def connect(**asked):
        found.connected = asked
        if found.fails:
            raise SDKFailure(found.fails)
        return SimpleNamespace()

    def load(kind):
        def options(**given):
            found.loaded = (kind, given)
            if "broken" in given:
                raise TypeError("unexpected keyword argument 'system_scope'")
            return "a plugin for the whole system"
        return SimpleNamespace(load_from_options=options)
    monkeypatch.setattr(session, "openstack", SimpleNamespace(connect=connect), raising=False)
    monkeypatch.setattr(session, "loading", SimpleNamespace(get_plugin_loader=load), raising=False)
    monkeypatch.setattr(session, "FAILURES", (SDKFailure,))
    return found


@pytest.fixture
def cloud():
    return small.Cloud()


def session_with(cloud, **auth):
    connection = small.connection(cloud)
    connection.config.config["auth"] = auth
    return session.Session(connection, "Cloud main", 60)


def test_only_what_was_said_is_handed_to_the_sdk(sdk):
    session.connect("main", None, None, 60)
    assert sdk.connected == {"cloud": "main", "api_timeout": 60}
    session.connect(None, "RegionOne", "internal", 60)
    assert sdk.connected == {"region_name": "RegionOne", "interface": "internal", "api_timeout": 60}


def test_a_cloud_that_cannot_be_had_is_one_sentence(sdk):
    sdk.fails = "Cloud mian was not found.\nmore for developers"
    with pytest.raises(session.CloudError, match="^Cloud mian: Cloud mian was not found.$"):
        session.connect("mian", None, None, 60)
    with pytest.raises(session.CloudError, match="^The cloud of the environment: "):
        session.connect(None, None, None, 60)


def test_without_the_sdk_it_is_said(monkeypatch):
    monkeypatch.setattr(session, "FAILURES", ())
    with pytest.raises(session.CloudError, match="The Python package openstacksdk is not there for /"):
        session.connect("main", None, None, 60)


def test_a_service_that_does_not_answer_is_one_sentence(sdk, cloud, monkeypatch):
    def request(*words, **more):
        raise SDKFailure("Unable to establish connection to http://192.0.2.1:8774")
    monkeypatch.setattr(small.Client, "request", request)
    with pytest.raises(session.CloudError, match="^Cloud main: compute cannot be asked: Unable to establish connection"):
        session_with(cloud).get("compute", "/flavors/detail")


def test_the_login_for_the_whole_system_is_the_same_one_without_its_project(sdk, cloud):
    auth = {"username": "admin", "password": SECRET, "user_domain_id": "default", "project_name": "admin", "project_domain_id": "default", "domain_id": None}
    one = session_with(cloud, **auth)
    assert one.listed("identity", "/limits?service_id=s-nova", "limits", system=True) == []
    assert sdk.loaded == ("password", {"username": "admin", "password": SECRET, "user_domain_id": "default", "system_scope": "all"})
    assert one.calls == 1


def test_a_login_that_is_for_the_whole_system_stays_as_it_is(sdk, cloud):
    session_with(cloud, system_scope="all").get("identity", "/limits?service_id=s-nova", system=True)
    assert sdk.loaded is None


def test_a_kind_of_login_that_knows_no_system_is_said_without_its_secret(sdk, cloud):
    with pytest.raises(session.CloudError) as told:
        session_with(cloud, password=SECRET, broken=True).get("identity", "/limits?service_id=s-nova", system=True)
    assert str(told.value).startswith("Cloud main: this kind of login cannot be had for the whole system: ")
    assert SECRET not in str(told.value)


def test_a_list_comes_page_by_page(cloud):
    for number in range(5):
        cloud.server(str(number), "compute1")
    one = session_with(cloud)
    assert [row["id"] for row in one.listed("compute", "/servers/detail?all_tenants=1&host=compute1", "servers")] == list("01234")
    assert one.calls == 3


@pytest.mark.parametrize(
    ("page", "path", "following"),
    [
        ({}, "/a?b=1", None),
        ({"x_links": [{"rel": "next", "href": "http://h:1/v2.1/a?b=1&marker=2"}]}, "/a?b=1", "/a?b=1&marker=2"),
        ({"links": {"next": "http://h/v3/a?page=2"}}, "/a", "/a?page=2"),
        ({"links": {"next": None, "self": "x"}}, "/a", None),
    ],
)
def test_the_next_page(page, path, following):
    assert session._next(page, "x", path) == following


def test_a_list_that_is_cut_short_is_not_taken_for_the_whole(cloud):
    cloud.broken["GET", "/limits"] = (200, {"limits": [], "truncated": True})
    with pytest.raises(session.CloudError, match="identity cuts its list of limits short"):
        session_with(cloud).listed("identity", "/limits", "limits")


def test_projects_of_a_list_that_is_cut_short_are_asked_for_by_name(cloud):
    cloud.broken["GET", "/projects"] = (200, {"projects": cloud.projects[:1], "truncated": True})
    rows, place = session.projects_of(session_with(cloud), "Default", ["health"])
    assert ([row["name"] for row in rows], place) == (["research", "health"], "default")


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"forbidden": {"code": 403, "message": "Policy\n says no"}}, "Policy says no"),
        ({"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}},
         "The request you have made requires authentication."),
        ({"errors": [{"status": 409, "title": "Conflict", "detail": "generation"}]}, "generation"),
        ({"errors": [{"status": 409, "title": "Conflict"}]}, "Conflict"),
        ({"x": 1}, None), ([], None), (None, None), ({"error": {"message": 5}}, None),
    ],
)  # fmt: skip
def test_what_a_service_says(document, text):
    assert session.message_of(document) == text


def test_what_a_call_tells_is_there_for_later_ones(cloud):
    learned = {}
    made = Call("compute", "POST", "/os-aggregates", {"aggregate": {"name": "a"}}, [], ("{new aggregate a}", ("aggregate", "id")))
    session_with(cloud).send(made, learned)
    session_with(cloud).send(Call("compute", "DELETE", "/os-aggregates/{new aggregate a}", None, [], None), learned)
    assert (learned, cloud.aggregates) == ({"{new aggregate a}": 1}, {})
