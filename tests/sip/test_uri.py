import pytest
from hypothesis import given
from hypothesis import strategies as st

from stasisd.credentials.quoting import quote, unquote
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.uri import (
    NameAddr,
    OtherUri,
    SipUri,
    parse_name_addr,
    parse_uri,
    same_uri,
)


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("sip:example.com", SipUri("example.com")),
        ("sip:100@192.0.2.1:5062", SipUri("192.0.2.1", "100", 5062)),
        ("SIPS:Alice@Example.COM", SipUri("example.com", "Alice", scheme="sips")),
        ("sip:a:pw@b", SipUri("b", "a", password="pw")),
        ("sip:a@[2001:DB8::1]:5060", SipUri("[2001:db8::1]", "a", 5060)),
        ("sip:a@b;transport=tcp;lr", SipUri("b", "a", parameters=(("transport", "tcp"),
        ("lr", None)))),
        ("sip:a@b?Subject=x%20y&p=", SipUri("b", "a", headers=(("Subject", "x y"), ("p", "")))),
        # RFC 4475 section 3.1.1.9: what looks like a parameter is in the user part.
        ("sip:user;par=u%40example.net@example.com", SipUri("example.com",
        "user;par=u@example.net")),
        ("sip:sips%3Auser%40example.com@example.net", SipUri("example.net",
        "sips:user@example.com")),
        ("sip:null-%00-null@example.com", SipUri("example.com", "null-\0-null")),
        ("sip:%e2%82%ac@b", SipUri("b", "€")),
        ("sip:100%@b", SipUri("b", "100%")),
        ("tel:+358-555;phone-context=x", OtherUri("tel:+358-555;phone-context=x")),
    ],
)  # fmt: skip
def test_uris_are_read_and_written_back(text: str, uri: SipUri | OtherUri) -> None:
    assert parse_uri(text) == uri
    assert parse_uri(str(uri)) == uri


@pytest.mark.parametrize(
    "text",
    [
        "", "sip", "sip:", "sip:@host", "sip:a@", "sip:a@b:99999", "sip:a@b:x", "sip:a@b:",
        "<sip:b>",
        "sip:a@b c", "sip:a@[::1", "sip:a@[::1]x", "sip:[host]", "sip:a@b:٣", "nothing here:x y",
        "sip:a@b:" + "1" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(MalformedSip):
        parse_uri(text)


def test_a_uri_knows_its_address() -> None:
    assert parse_uri("sip:a@[2001:db8::1]").address == ("2001:db8::1", 5060)  # type: ignore[union-attr] # it is a SIP URI
    assert SipUri("b", scheme="sips").address == ("b", 5061)
    assert SipUri("b", scheme="sips").transport == "tcp"
    assert SipUri("b", parameters=(("transport", "TCP"),)).transport == "tcp"
    assert OtherUri("tel:+123;ext=4").user == "+123"
    assert OtherUri("http://x/").user == ""


# RFC 3261 section 19.1.4 lists these.
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1", "tel:+1"),
    ],
)
def test_equivalent_uris(one: str, other: str) -> None:
    assert same_uri(parse_uri(one), parse_uri(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:a@b", "sips:a@b"),
        ("sip:a@b", "tel:a"),
    ],
)
def test_different_uris(one: str, other: str) -> None:
    assert not same_uri(parse_uri(one), parse_uri(other))


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ('"Bob \\"B\\" <x>" <sip:b@c>;tag=1', 'Bob "B" <x>', "sip:b@c", "1"),
        ("Bob Smith <sip:b@c>;x=y;tag=2", "Bob Smith", "sip:b@c", "2"),
        ("caller<sip:b@c>", "caller", "sip:b@c", None),
        ("<sip:b@c;tag=inside>", "", "sip:b@c;tag=inside", None),
        ("sip:b@c;tag=outside", "", "sip:b@c", "outside"),
        ('"Watson, T" < sip:t@c >', "Watson, T", "sip:t@c", None),
        ("sip:b@c ;   tag    = 3", "", "sip:b@c", "3"),
        ("<sip:b@c>;tag=", "", "sip:b@c", None),
        ("<tel:+1>", "", "tel:+1", None),
    ],
)
def test_addresses_are_read(text: str, display: str, uri: str, tag: str | None) -> None:
    address = parse_name_addr(text)
    assert (address.display, str(address.uri), address.tag) == (display, uri, tag)
    assert parse_name_addr(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "", '"Bob <sip:b@c>', '"Bob" sip:b@c', "Bell, Alex <sip:a@c>", "<sip:b@c", "<sip:b@c> x",
        "sip:b@c?Route=x", '"a\\', "<>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(MalformedSip):
        parse_name_addr(text)


def test_a_tag_is_replaced() -> None:
    address = parse_name_addr("<sip:b@c>;tag=old;x=1")
    assert str(address.with_tag("new")) == "<sip:b@c>;x=1;tag=new"


@given(
    st.text(), st.text(), st.none() | st.integers(0, 65535),
    st.lists(st.tuples(st.text(min_size=1).map(str.lower), st.none() | st.text()), max_size=3),
)  # fmt: skip
def test_any_uri_comes_back_as_it_was(
    user: str, display: str, port: int | None, parameters: list[tuple[str, str | None]]
) -> None:
    uri = SipUri("example.com", user, port, parameters=tuple(parameters))
    assert parse_uri(str(uri)) == uri
    address = NameAddr(uri, unquote(quote(display)))
    assert parse_name_addr(str(address)) == address


@given(st.text())
def test_reading_raises_nothing_else(text: str) -> None:
    for read in (parse_uri, parse_name_addr):
        try:
            read(text)
        except MalformedSip:
            pass
