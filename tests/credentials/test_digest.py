import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.credentials.digest import (
    Authorization,
    Challenge,
    Credentials,
    MalformedDigest,
    Verdict,
    Verifier,
    answer,
    choose,
    expected_response,
    ha1,
    parse_authorization,
    parse_challenge,
)
from tests.sip.agents import tokens

ME = Credentials("100", "secret")


REALM = "stasisd"


def lookup(username: str, realm: str, algorithm: str) -> str | None:
    return ha1("100", realm, "secret", algorithm) if username == "100" else None


def verifier(*algorithms: str, secret: bytes = b"s", prefix: str = "n") -> Verifier:
    return Verifier(secret, tokens(prefix), algorithms or ("MD5",), 300.0)


def reply(challenge: Challenge, **changes: str) -> Authorization:
    given = answer(challenge, ME, "REGISTER", "sip:h", "cnonce")
    values = {name: getattr(given, name) for name in given.__struct_fields__} | changes
    made = Authorization(**values)
    if "nc" in changes or "qop" in changes:
        secret = ha1(ME.username, made.realm, ME.password, made.algorithm)
        values["response"] = expected_response(made, secret, "REGISTER")
    return Authorization(**values)


# RFC 7616 section 3.9.1.
@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_the_rfc(algorithm: str, response: str) -> None:
    given = Authorization(
        username="Mufasa",
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        uri="/dir/index.html",
        response=response,
        algorithm=algorithm,
        qop="auth",
        nc="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    secret = ha1("Mufasa", given.realm, "Circle of Life", algorithm)
    assert expected_response(given, secret, "GET") == response


def test_the_example_without_qop() -> None:
    # RFC 2069 as corrected by its erratum.
    given = Authorization("Mufasa", "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                          "/dir/index.html", "")  # fmt: skip
    secret = ha1("Mufasa", given.realm, "CircleOfLife", "MD5")
    assert expected_response(given, secret, "GET") == "1949323746fe6a43ef61f9606e7febea"


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256"])
def test_the_right_password_is_accepted_once_per_count(algorithm: str) -> None:
    server = verifier(algorithm)
    (challenge,) = server.challenges(REALM, 10.0)
    assert parse_challenge(str(challenge)) == challenge
    first = parse_authorization(str(reply(challenge)))
    assert server.judge(first, "REGISTER", lookup, 11.0) is Verdict.ACCEPTED
    assert server.judge(first, "REGISTER", lookup, 11.0) is Verdict.STALE
    second = reply(challenge, nc="00000002")
    assert server.judge(second, "REGISTER", lookup, 12.0) is Verdict.ACCEPTED
    assert server.judge(first, "REGISTER", lookup, 12.0) is Verdict.STALE


@pytest.mark.parametrize(
    "changes",
    [
        {"response": "0" * 32}, {"username": "101"}, {"realm": "other"}, {"algorithm": "SHA-256"},
        {"algorithm": "MD5-SESS"}, {"qop": "auth-int"}, {"uri": "sip:other"}, {"response": "é"},
    ],
)  # fmt: skip
def test_wrong_credentials_are_refused(changes: dict[str, str]) -> None:
    server = verifier()
    (challenge,) = server.challenges(REALM, 10.0)
    assert server.judge(reply(challenge, **changes), "REGISTER", lookup, 11.0) is Verdict.REFUSED


def test_another_method_needs_another_answer() -> None:
    server = verifier()
    (challenge,) = server.challenges(REALM, 10.0)
    assert server.judge(reply(challenge), "INVITE", lookup, 11.0) is Verdict.REFUSED


def test_an_unknown_user_is_refused_even_with_an_empty_secret() -> None:
    server = verifier()
    (challenge,) = server.challenges(REALM, 0.0)
    stranger = reply(challenge, username="999")
    forged = Authorization(
        **{name: getattr(stranger, name) for name in stranger.__struct_fields__}
        | {"response": expected_response(stranger, "", "REGISTER")}
    )
    assert server.judge(forged, "REGISTER", lookup, 0.0) is Verdict.REFUSED


@pytest.mark.parametrize("nc", ["00000000", "1", "x0000001", ""])
def test_a_count_that_is_none_is_used_up(nc: str) -> None:
    server = verifier()
    (challenge,) = server.challenges(REALM, 0.0)
    assert server.judge(reply(challenge, nc=nc), "REGISTER", lookup, 0.0) is Verdict.STALE


@pytest.mark.parametrize("now", [9.0 - 1.5, 10.0 + 301.0])
def test_a_nonce_has_its_time(now: float) -> None:
    server = verifier()
    (challenge,) = server.challenges(REALM, 10.0)
    assert server.judge(reply(challenge), "REGISTER", lookup, now) is Verdict.STALE


def test_a_nonce_of_somebody_else_is_stale() -> None:
    (challenge,) = verifier(secret=b"other").challenges(REALM, 10.0)
    assert verifier().judge(reply(challenge), "REGISTER", lookup, 10.0) is Verdict.STALE
    strange = reply(Challenge("stasisd", "no nonce of ours é"))
    assert verifier().judge(strange, "REGISTER", lookup, 10.0) is Verdict.STALE


def test_clocks_may_be_negative() -> None:
    server = verifier()
    (challenge,) = server.challenges(REALM, -50.5)
    assert server.judge(reply(challenge), "REGISTER", lookup, -50.0) is Verdict.ACCEPTED


def test_without_qop_a_nonce_serves_once() -> None:
    server = verifier()
    (challenge,) = server.challenges(REALM, 10.0)
    old = reply(Challenge("stasisd", challenge.nonce, qop=""))
    assert "qop" not in str(old)
    assert server.judge(parse_authorization(str(old)), "REGISTER", lookup, 10.0) is Verdict.ACCEPTED
    assert server.judge(old, "REGISTER", lookup, 10.0) is Verdict.STALE


def test_what_is_remembered_is_bounded_and_never_replayable() -> None:
    server = verifier()
    first = reply(server.challenges(REALM, 0.0)[0])
    assert server.judge(first, "REGISTER", lookup, 0.0) is Verdict.ACCEPTED
    for moment in range(1, 5000):
        (challenge,) = server.challenges(REALM, moment / 100)
        assert server.judge(reply(challenge), "REGISTER", lookup, moment / 100) is Verdict.ACCEPTED
    assert len(server._counts) == 4096
    assert server.judge(first, "REGISTER", lookup, 50.0) is Verdict.STALE


def test_challenges_come_in_the_order_of_preference() -> None:
    server = verifier("SHA-256", "MD5")
    offered = [str(challenge) for challenge in server.challenges(REALM, 0.0, stale=True)]
    assert ["stale=true" in text for text in offered] == [True, True]
    chosen = choose(offered)
    assert chosen is not None
    assert (chosen.algorithm, chosen.stale) == ("SHA-256", True)


def test_a_client_takes_the_first_challenge_that_it_understands() -> None:
    texts = [
        'Basic realm="x"',
        'Digest realm="r", nonce="n", algorithm=FUTURE',
        'Digest realm="r", nonce="n", qop="auth-int"',
        'Digest realm="r"',
        'Digest realm="r", nonce="n", opaque="o", qop="auth-int,auth"',
        'Digest realm="r", nonce="later"',
    ]
    chosen = choose(texts)
    assert chosen == Challenge("r", "n", "MD5", "auth", "o")
    assert choose(texts[:4]) is None
    given = answer(chosen, ME, "INVITE", "sip:h", "c")
    assert parse_authorization(str(given)) == given
    assert given.opaque == "o"


@given(st.text())
def test_reading_raises_nothing_else(text: str) -> None:
    for read in (parse_challenge, parse_authorization):
        for prefix in ("", 'Digest realm="a", nonce="b", username="c", uri="d", response="e", '):
            try:
                read(prefix + text)
            except MalformedDigest:
                pass
