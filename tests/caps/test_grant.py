"""Clearing an access against the caveats of a grant."""

import math

import pytest

from caps import (
    READ_ONLY,
    Access,
    Applications,
    Denied,
    Expires,
    Grant,
    NotBefore,
    Objects,
    Operations,
    Right,
    Tenant,
)


def grant_with(*caveats: object) -> Grant:
    full = Grant(tenant="acme", key_id="k1", token_id="t1", caveats=(Tenant("acme"),))
    return full.narrow(*caveats)  # type: ignore[arg-type] # the tests pass caveats only


def reading(object_id: str | None = "c1", application: str | None = None) -> Access:
    return Access(
        right=Right.READ,
        operation="channels.get",
        tenant="acme",
        now=100.0,
        kind="channel",
        object_id=object_id,
        application=application,
    )


def test_a_grant_permits_what_no_caveat_prohibits() -> None:
    grant_with(READ_ONLY, Operations(("channels.*",))).check(reading())


def test_a_denial_names_the_first_caveat_that_prohibits() -> None:
    bridges = Operations(("bridges.*",))
    with pytest.raises(Denied, match=r"does not cover the operation channels\.get") as caught:
        grant_with(READ_ONLY, bridges, Objects(())).check(reading())
    assert caught.value.caveat == bridges
    assert caught.value.reason == str(caught.value)


def test_prohibits_answers_without_raising() -> None:
    assert grant_with(READ_ONLY).prohibits(reading()) is None
    denied = grant_with(Objects(("channel:c2",))).prohibits(reading())
    assert denied is not None
    assert denied.reason == "the token is for other objects"


def test_names_leave_open_what_only_the_object_decides() -> None:
    grant = grant_with(Applications(("ivr",)), Objects(("channel:c*",)))
    grant.check_names(reading(object_id=None))
    grant.check_names(reading())
    with pytest.raises(Denied):
        grant.check(reading())
    grant.check(reading(application="ivr"))


def test_names_decide_what_they_can() -> None:
    with pytest.raises(Denied, match="other objects"):
        grant_with(Objects(("channel:c2",))).check_names(reading())
    with pytest.raises(Denied, match="other applications"):
        grant_with(Applications(("ivr",))).check_names(reading(application="queue"))


def test_narrowing_only_takes_away() -> None:
    narrowed = grant_with(NotBefore(10.0), Expires(200.0)).narrow(NotBefore(5.0), Expires(300.0))
    assert (narrowed.not_before, narrowed.expires) == (10.0, 200.0)
    assert narrowed.narrow(Expires(150.0)).expires == 150.0
    assert narrowed.token_id == "t1"
    with pytest.raises(Denied):
        narrowed.narrow(Tenant("other")).check(reading())


def test_without_times_a_grant_is_valid_for_ever() -> None:
    grant = grant_with()
    assert (grant.not_before, grant.expires) == (-math.inf, math.inf)
