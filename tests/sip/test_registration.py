import pytest

from stasisd.sip.flow import Flow
from stasisd.sip.registration import Binding, Outcome, Policy, register
from stasisd.sip.uri import SipUri
from tests.sip.agents import PHONE, SERVER, request
from tests.sip.test_parser import parsed_request

FLOW = Flow("udp", SERVER, PHONE)
OTHER = Flow("tcp", SERVER, ("198.51.100.7", 40000), 3)


def asked(
    bindings: tuple[Binding, ...] = (),
    *fields: str,
    cseq: int = 1,
    call_id: str = "c1",
    now: float = 1000.0,
    policy: Policy | None = None,
    flow: Flow = FLOW,
) -> Outcome:
    data = request("REGISTER", cseq=f"{cseq} REGISTER", call_id=call_id, fields=fields)
    data = data.replace(b"Contact: <sip:100@192.0.2.2:5060>\r\n", b"")
    return register("100", bindings, parsed_request(data), flow, now, policy or Policy())


def test_a_contact_is_bound_with_its_flow() -> None:
    outcome = asked((), "Contact: <sip:a@h>;q=0.5", "Expires: 120", "User-Agent: phone", flow=OTHER)
    (binding,) = outcome.bindings
    assert outcome.status == 200
    assert outcome.changed == outcome.bindings
    assert binding == Binding(
        aor="100", uri=SipUri("h", "a"), expires=1120.0, call_id="c1", cseq=1, flow=OTHER, q=0.5,
        user_agent="phone",
    )  # fmt: skip


def test_asking_changes_nothing() -> None:
    bound = asked((), "Contact: <sip:a@h>").bindings
    assert asked(bound, cseq=2) == Outcome(200, bound)


@pytest.mark.parametrize(
    ("fields", "lifetime"),
    [
        (["Contact: <sip:a@h>"], 3600),
        (["Contact: <sip:a@h>", "Expires: 600"], 600),
        (["Contact: <sip:a@h>;expires=700", "Expires: 600"], 700),
        (["Contact: <sip:a@h>;expires=999999"], 7200),
        (["Contact: <sip:a@h>;expires=soon"], 3600),
        (["Contact: <sip:a@h>;expires=60"], 60),
    ],
)
def test_how_long_a_binding_lives(fields: list[str], lifetime: int) -> None:
    (binding,) = asked((), *fields).bindings
    assert binding.expires == 1000.0 + lifetime


def test_too_short_is_refused() -> None:
    assert asked((), "Contact: <sip:a@h>;expires=59") == Outcome(423, ())
    assert asked((), "Contact: <sip:a@h>", "Expires: 1").status == 423


def test_zero_removes_one_and_a_star_all() -> None:
    bound = asked((), "Contact: <sip:a@h>, <sip:b@h>").bindings
    one_less = asked(bound, "Contact: <sip:a@h>;expires=0", cseq=2)
    assert one_less.bindings == bound[1:]
    assert one_less.removed == bound[:1]
    none = asked(bound, "Contact: *", "Expires: 0", cseq=2)
    assert (none.status, none.bindings, none.removed) == (200, (), bound)


@pytest.mark.parametrize(
    "fields",
    [
        ["Contact: *"],
        ["Contact: *", "Expires: 60"],
        ["Contact: *, <sip:a@h>", "Expires: 0"],
        ["Contact: *", "Contact: *", "Expires: 0"],
    ],
)
def test_a_star_stands_alone_with_expires_zero(fields: list[str]) -> None:
    bound = asked((), "Contact: <sip:a@h>").bindings
    assert asked(bound, *fields, cseq=2) == Outcome(400, bound)


def test_a_contact_that_is_no_sip_uri_is_refused() -> None:
    assert asked((), "Contact: <tel:+1>").status == 416


def test_a_refresh_replaces_by_equivalence() -> None:
    bound = asked((), "Contact: <sip:a@H;x=1>").bindings
    outcome = asked(bound, "Contact: <sip:a@h>", cseq=2, now=1500.0, flow=OTHER)
    assert [(binding.expires, binding.flow) for binding in outcome.bindings] == [(5100.0, OTHER)]
    assert outcome.removed == ()


def test_an_older_request_undoes_nothing() -> None:
    bound = asked((), "Contact: <sip:a@h>", cseq=5).bindings
    assert asked(bound, "Contact: <sip:a@h>;expires=0", cseq=5) == Outcome(500, bound)
    assert asked(bound, "Contact: *", "Expires: 0", cseq=4) == Outcome(500, bound)
    assert asked(bound, "Contact: <sip:a@h>;expires=0", cseq=1, call_id="c2").bindings == ()


def test_all_or_nothing() -> None:
    bound = asked((), "Contact: <sip:a@h>", cseq=5).bindings
    outcome = asked(bound, "Contact: <sip:new@h>", "Contact: <sip:a@h>;expires=0", cseq=5)
    assert outcome == Outcome(500, bound)


def test_what_has_expired_is_not_there() -> None:
    bound = asked((), "Contact: <sip:a@h>;expires=60").bindings
    assert asked(bound, now=1060.0, cseq=2).bindings == ()
    assert asked(bound, now=1059.0, cseq=2).bindings == bound


def test_a_contact_too_many_replaces_the_oldest() -> None:
    policy = Policy(max_contacts=2)
    bound = asked((), "Contact: <sip:a@h>;expires=100, <sip:b@h>;expires=200").bindings
    outcome = asked(bound, "Contact: <sip:c@h>", cseq=2, policy=policy)
    assert [binding.uri.user for binding in outcome.bindings] == ["b", "c"]
    assert outcome.removed == bound[:1]


def test_a_contact_too_many_is_refused_where_nothing_may_be_replaced() -> None:
    policy = Policy(max_contacts=1, remove_existing=False)
    bound = asked((), "Contact: <sip:a@h>").bindings
    assert asked(bound, "Contact: <sip:b@h>", cseq=2, policy=policy) == Outcome(403, bound)
    assert asked(bound, "Contact: <sip:a@h>", cseq=2, policy=policy).status == 200
    assert asked((), "Contact: <sip:a@h>, <sip:b@h>", policy=Policy(max_contacts=1)).status == 403
    assert asked((), "Contact: <sip:a@h>", policy=Policy(max_contacts=0)).status == 403


def test_a_contact_named_twice_counts_once() -> None:
    outcome = asked((), "Contact: <sip:a@h>;expires=100, <sip:a@h>;expires=200")
    assert [binding.expires for binding in outcome.bindings] == [1200.0]


@pytest.mark.parametrize(
    ("q", "expected"),
    [("0.3", 0.3), ("1", 1.0), ("0", 0.0), ("2", 1.0), ("x", 1.0), ("0.é", 1.0), ("1.5", 1.0)],
)
def test_preferences(q: str, expected: float) -> None:
    (binding,) = asked((), f"Contact: <sip:a@h>;q={q}").bindings
    assert binding.q == expected
