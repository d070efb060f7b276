"""Clearing an access against the caveats of a grant."""

import math
from contextlib import nullcontext

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caps import (
    READ_ONLY,
    Access,
    Applications,
    Bundle,
    Caveat,
    Contexts,
    Denied,
    Endpoint,
    Endpoints,
    Events,
    Expires,
    Grant,
    Keyring,
    NotBefore,
    Objects,
    Operations,
    Right,
    Rights,
    RootKey,
    Tenant,
    Token,
    Unknown,
    mint,
)
from caps.grant import REMEMBERED
from caps.verifying import judge


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


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([], None),
        ([("ivr",)], "ivr"),
        ([("ivr", "ivr")], "ivr"),
        ([("ivr", "queue")], None),
        ([("ivr", "queue"), ("queue", "other")], "queue"),
        ([("ivr",), ("queue",)], None),
        ([()], None),
    ],
)
def test_the_only_application_that_is_left(
    limits: list[tuple[str, ...]], expected: str | None
) -> None:
    grant = grant_with(*(Applications(names) for names in limits))
    assert grant.sole_application == expected


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


def test_what_steady_caveats_passed_is_remembered_for_that_access_alone() -> None:
    grant = grant_with(READ_ONLY, Operations(("channels.*",)))
    grant.check(reading())
    grant.check_names(reading())
    changes: list[dict[str, object]] = [
        {"right": Right.CONTROL},
        {"operation": "bridges.get"},
        {"tenant": "other"},
    ]
    for change in changes:
        access = msgspec.structs.replace(reading(), **change)
        for ask in (grant.check, grant.check_names, grant.check):
            with pytest.raises(Denied):
                ask(access)
    for number in range(REMEMBERED + 10):
        grant.check(msgspec.structs.replace(reading(), operation=f"channels.{number}"))
    assert len(grant._passed) <= REMEMBERED
    grant.check(reading())


@pytest.mark.parametrize("now", [9.9, 20.0, math.nan])
def test_the_time_of_a_grant_counts_as_its_caveats(now: float) -> None:
    grant = Grant(
        tenant="acme", key_id="k", token_id="t", caveats=(), not_before=10.0, expires=20.0
    )
    grant.check(msgspec.structs.replace(reading(), now=10.0))
    for ask in (grant.check, grant.check_names):
        with pytest.raises(Denied):
            ask(msgspec.structs.replace(reading(), now=now))


caveats = st.one_of(
    st.builds(Tenant, st.sampled_from(["acme", "other"])),
    st.builds(Rights, st.lists(st.sampled_from(Right), max_size=4).map(tuple)),
    st.sampled_from([Operations(("channels.*",)), Operations(("bridges.get",)), Unknown()]),
    st.sampled_from([Applications(("ivr",)), Objects(("channel:c*",)), Endpoints(("@a",))]),
    st.sampled_from([Contexts(("in",)), Events(("Dial",)), NotBefore(50.0), Expires(150.0)]),
)
accesses = st.builds(
    Access,
    right=st.sampled_from(Right),
    operation=st.sampled_from(["channels.get", "bridges.get"]),
    tenant=st.sampled_from(["acme", None]),
    now=st.sampled_from([0.0, 100.0, 200.0]),
    kind=st.just("channel"),
    object_id=st.sampled_from([None, "c1", "d"]),
    application=st.sampled_from([None, "ivr"]),
    endpoints=st.sampled_from([None, (), (Endpoint("PJSIP/1", frozenset({"a"})),)]),
    contexts=st.sampled_from([None, (), ("in",)]),
    events=st.sampled_from([None, ("Dial",)]),
)


@given(st.lists(caveats, max_size=5), st.lists(accesses, max_size=5))
def test_a_grant_says_what_each_caveat_in_its_turn_would(
    limits: list[Caveat], asked: list[Access]
) -> None:
    grant = Grant(tenant="acme", key_id="k", token_id="t", caveats=()).narrow(*limits)
    for access in [*asked, *asked]:
        reasons = [c for c in limits if c.prohibits(access) is not None]
        denied = grant.prohibits(access)
        assert (denied and denied.caveat) == (reasons[0] if reasons else None)
        decided = [c for c in reasons if c.decidable(access)]
        with pytest.raises(Denied) if decided else nullcontext() as caught:
            grant.check_names(access)
        assert caught is None or caught.value.caveat == decided[0]


@given(st.lists(caveats, max_size=4), caveats, accesses)
def test_whoever_holds_a_token_can_only_weaken_it(
    limits: list[Caveat], more: Caveat, access: Access
) -> None:
    key = RootKey("k1", "acme", bytes(32))
    token = mint(key, *limits)
    weaker = Token.decode(token.encode()).attenuate(more)
    before, after = (judge(Bundle(each), Keyring([key])).grant() for each in (token, weaker))
    permitted = before.prohibits(access) is None
    assert (after.prohibits(access) is None) == (permitted and more.prohibits(access) is None)
