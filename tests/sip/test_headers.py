import pytest

from stasisd.sip.grammar import MalformedSip, find, format_parameters, parameters, split
from stasisd.sip.headers import CSeq, Headers, Via, parse_cseq, parse_via


def test_lookup_is_case_insensitive_and_knows_compact_forms() -> None:
    headers = Headers(
        [("Call-ID", "a"), ("X-Other", "b"), ("Supported", "x, y"), ("Supported", "z")]
    )
    assert headers.get("call-id") == headers.get("i") == "a"
    assert headers.get("x-oTHER") == "b"
    assert headers.values("k") == ["x", "y", "z"]
    assert headers.tokens("Supported") == {"x", "y", "z"}
    assert headers.get("Subject") is None
    assert headers.values("Subject") == []


def test_commas_split_lists_only() -> None:
    headers = Headers([("Contact", '"a,b" <sip:x,y@h>, <sip:z@h>'), ("Date", "Sat, 13 Nov 2010")])
    assert headers.values("Contact") == ['"a,b" <sip:x,y@h>', "<sip:z@h>"]
    assert headers.values("Date") == ["Sat, 13 Nov 2010"]


def test_a_header_that_must_stand_once() -> None:
    with pytest.raises(MalformedSip, match="0 To headers"):
        Headers().only("To")
    with pytest.raises(MalformedSip, match="2 To headers"):
        Headers([("To", "a"), ("To", "b")]).only("t")


def test_making_new_headers_of_old_ones() -> None:
    headers = Headers(
        [("Via", "SIP/2.0/UDP a;x=1, SIP/2.0/UDP b"), ("Via", "SIP/2.0/UDP c"), ("To", "t")]
    )
    replaced = headers.with_first_via("SIP/2.0/UDP new")
    assert replaced.values("Via") == ["SIP/2.0/UDP new", "SIP/2.0/UDP b", "SIP/2.0/UDP c"]
    assert headers.without("v").fields == (("To", "t"),)
    assert headers.with_(("X-Y", "y")).get("x-y") == "y"
    assert len({headers, replaced, Headers(headers.fields)}) == 2


def test_a_via_is_read_whatever_its_blanks() -> None:
    via = parse_via("SIP  /    2.0   / UDP  192.168.255.111:5062   ; branch=\t z9hG4bK30239;rport")
    assert via == Via("UDP", "192.168.255.111", 5062, (("branch", "z9hG4bK30239"), ("rport", None)))
    assert via.wants_rport
    assert via.sent_by == ("192.168.255.111", 5062)
    assert parse_via(str(via)) == via
    assert parse_via("SIP/2.0/tls h").sent_by == ("h", 5061)
    assert parse_via("SIP/2.0/UNKNOWN [2001:db8::9:1]").branch == ""


def test_a_via_notes_its_source() -> None:
    via = parse_via("SIP/2.0/UDP 10.0.0.1:5062;rport;branch=b;received=1.1.1.1")
    noted = via.with_source("192.0.2.9", 777, rport=True)
    assert str(noted) == "SIP/2.0/UDP 10.0.0.1:5062;branch=b;rport=777;received=192.0.2.9"
    assert (
        str(via.with_source("10.0.0.1", 5062, rport=False)) == "SIP/2.0/UDP 10.0.0.1:5062;branch=b"
    )
    other = via.with_source("192.0.2.9", 777, rport=False)
    assert find(other.parameters, "received") == "192.0.2.9"
    assert find(other.parameters, "rport") is None
    six = parse_via("SIP/2.0/UDP [2001:db8::1]").with_source("2001:db8::1", 5060, rport=False)
    assert six.parameters == ()


@pytest.mark.parametrize(
    "text", ["", "UDP host", "HTTP/1.1/TCP h", "SIP/2.0/UDP", "SIP/2.0/ h", "SIP/2.0/UDP h:x"]
)
def test_what_is_no_via_is_refused(text: str) -> None:
    with pytest.raises(MalformedSip):
        parse_via(text)


def test_cseq() -> None:
    assert parse_cseq("0009 \t INVITE") == CSeq(9, "INVITE")
    assert str(CSeq(9, "INVITE")) == "9 INVITE"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        "INVITE 1",
        "2147483648 INVITE",
        "-1 INVITE",
        "1 INV@TE",
        "36893488147419103232 X",
        "² INVITE",
    ],
)
def test_what_is_no_cseq_is_refused(text: str) -> None:
    with pytest.raises(MalformedSip):
        parse_cseq(text)


def test_parameters_come_back_as_they_were() -> None:
    found = parameters('Tag=a;flag;text="a;b \\"c\\"";received=[2001:db8::1]; ;empty=')
    assert found == (
        ("tag", "a"), ("flag", None), ("text", 'a;b "c"'), ("received", "[2001:db8::1]"),
        ("empty", ""),
    )  # fmt: skip
    assert parameters(format_parameters(found)[1:]) == found


def test_an_unclosed_bracket_does_not_hide_an_error() -> None:
    assert split("<a, b", ",") == ["<a, b"]
    with pytest.raises(MalformedSip):
        split('"a, b', ",")
