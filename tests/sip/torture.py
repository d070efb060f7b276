"""Messages that strain a receiver, after the cases of RFC 4475 (named as there), in our words."""

VIA = "Via: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKtorture"
COMMON = (
    "Max-Forwards: 70",
    "From: <sip:100@example.net>;tag=f",
    "To: <sip:200@example.com>",
    "Call-ID: torture@example.net",
)


def message(first: str, *lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join((first, *lines, "", "")).encode() + body


def options(
    *lines: str, first: str = "OPTIONS sip:200@example.com SIP/2.0", cseq: str = "OPTIONS"
) -> bytes:
    """A plain request, with these header lines besides."""
    return message(first, VIA, *COMMON, f"CSeq: 7 {cseq}", *lines)


# Section 3.1.1: strange, and right.
VALID: dict[str, bytes] = {
    "wsinv": message(
        "INVITE sip:vivian@example.com;unknownparam SIP/2.0",
        "TO :\r\n sip:vivian@example.com ;   tag    = 1918181833n",
        'from   : "J R \\\\\\""       <sip:jr@example.com>\r\n  ;\r\n  tag = 98asjd8',
        "MaX-fOrWaRdS: 0068",
        "Call-ID: wsinv.ndaksdj@192.0.2.1",
        "Content-Length   : 10",
        "cseq: 0009\r\n  INVITE",
        "Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390skdjuw",
        "s :",
        "NewFangledHeader:   newfangled value\r\n continued newfangled value",
        "UnknownHeaderWithUnusualValue: ;;,,;;,;",
        "Content-Type: application/sdp",
        "Route:\r\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>",
        "v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ikj8  ,\r\n"
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239",
        'm:"Quoted string \\"\\"" <sip:jr@example.com> ; newparam =\r\n      newvalue ;\r\n'
        "  secondparam ; q = 0.33",
        body=b"v=0\r\no=x\r\n",
    ),
    "intmeth": options(
        "Contact: <sip:100@example.net>",
        first="!interesting-Method0123456789_*+`.%indeed'~ "
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too."
        "(doesn't-it)@example.com SIP/2.0",
        cseq="!interesting-Method0123456789_*+`.%indeed'~",
    ),
    "esc01": options(first="OPTIONS sip:sips%3Auser%40example.com@example.net SIP/2.0"),
    "escnull": options("Contact: <sip:%00@host5.example.com>, <sip:%00%00@host5.example.com>"),
    "esc02": options(
        first="RE%47IST%45R sip:registrar.example.com SIP/2.0", cseq="RE%47IST%45R"
    ),
    "lwsdisp": options().replace(b"From: <", b"From: caller<"),
    "longreq": options(
        f"Contact: <sip:{'amazinglylongcaller' * 20}@host{'.example' * 10}.net>",
        f"Unknown-{'Long' * 20}-Name: {'unknown' * 50}-value",
        *(f"Via: SIP/2.0/TCP sip{n}.example.com;branch=z9hG4bK{'x' * n}" for n in range(30)),
    ),
    "dblreq": options("Content-Length: 0") + options(first="INVITE sip:b@example.com SIP/2.0"),
    "semiuri": options(first="OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0"),
    "transports": options(
        "Via: SIP/2.0/SCTP t1.example.com;branch=z9hG4bKkdjuw",
        "Via: SIP/2.0/TLS t2.example.com;branch=z9hG4bKklasjdhf",
        "Via: SIP/2.0/UNKNOWN t3.example.com;branch=z9hG4bK2980unddj",
    ),
    "mpart01": message(
        "MESSAGE sip:200@example.com SIP/2.0", VIA, *COMMON, "CSeq: 7 MESSAGE",
        "Content-Type: multipart/mixed;boundary=7a9c", "Content-Length: 12",
        body=b"--7a9c\x00\xff\r\n--",
    ),
    "unreason": message(
        "SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое",
        VIA, *COMMON, "CSeq: 7 INVITE",
    ),
    "noreason": message("SIP/2.0 100 ", VIA, *COMMON, "CSeq: 7 INVITE"),
    # 3.3 and 3.4: peculiar, and to be borne.
    "badbranch": options().replace(b"z9hG4bKtorture", b"z9hG4bK"),
    "inv2543": message(
        "INVITE sip:UserB@example.com SIP/2.0",
        "Via: SIP/2.0/UDP iftgw.example.com",
        "From: <sip:+13035551111@ift.client.example.net;user=phone>",
        "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>",
        "To: sip:+16505552222@ss1.example.net;user=phone",
        "Call-ID: inv2543.1717@ift.client.example.com",
        "CSeq: 56 INVITE",
        "Content-Type: application/sdp",
        body=b"v=0\r\n",
    ),
    "cparam01": options("Contact: sip:100@example.net;unknownparam"),
    "cparam02": options("Contact: <sip:100@example.net;unknownparam>"),
    "baddate": options("Date: Fri, 01 Jan 2010 16:00:00 EST"),
    "escruri": options(first="OPTIONS sip:200@example.com?Route=%3Csip:e.com%3E SIP/2.0"),
    "bigexpires": options("Expires: 4294967295"),
    "badaspec": options().replace(b"<sip:200@example.com>", b'"Watson, T" < sip:t@example.org >'),
}  # fmt: skip

# Section 3.1.2 and 3.3: wrong, and how to say so.
INVALID: dict[str, tuple[bytes, int]] = {
    "badinv01": (options("Contact: <sip:b@c>", "Contact: ;;,;,,"), 400),
    "clerr": (options("Content-Length: 9999"), 400),
    "ncl": (options("Content-Length: -999"), 400),
    "scalar02": (options().replace(b"CSeq: 7", b"CSeq: 36893488147419103232"), 400),
    "scalar02-forwards": (options().replace(b"Max-Forwards: 70", b"Max-Forwards: 300"), 400),
    "scalar02-expires": (options("Expires: 1000000000000000000000000000000000000000"), 400),
    "quotbal": (options().replace(b"To: <", b'To: "Mr. J. User <'), 400),
    "ltgtruri": (options(first="OPTIONS <sip:200@example.com> SIP/2.0"), 400),
    "lwsruri": (options(first="OPTIONS sip:200@example.com; lr SIP/2.0"), 400),
    "lwsstart": (options(first="OPTIONS  sip:200@example.com  SIP/2.0"), 400),
    "trws": (options(first="OPTIONS sip:200@example.com SIP/2.0  "), 400),
    "regbadct": (options("Contact: sip:u@example.com?Route=%3Csip:e.com%3E"), 400),
    "baddn": (options().replace(b"From: <", b"From: Bell, Alexander <"), 400),
    "badvers": (options(first="OPTIONS sip:200@example.com SIP/7.0"), 505),
    "mismatch01": (options(cseq="INVITE"), 400),
    "mismatch02": (options(first="NEWMETHOD sip:200@example.com SIP/2.0"), 400),
    "insuf": (options().replace(b"Call-ID: torture@example.net\r\n", b""), 400),
    "unkscm": (options(first="OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0"), 416),
    "novelsc": (options(first="OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0"), 416),
    "bext01": (options("Require: nothingSupportsThis, nothingSupportsThisEither"), 420),
    "multi01": (options("CSeq: 8 OPTIONS", "Call-ID: other@example.net"), 400),
    "mcl01": (options("Content-Length: 0", "Content-Length: 1"), 400),
    "zeromf": (options().replace(b"Max-Forwards: 70", b"Max-Forwards: 0"), 483),
    "unknown-method": (options(first="NEWMETHOD sip:200@e.com SIP/2.0", cseq="NEWMETHOD"), 501),
    "known-method": (options(first="PUBLISH sip:200@e.com SIP/2.0", cseq="PUBLISH"), 405),
    "invut": (
        options("Content-Type: application/unknownformat", "", "x",
                first="INVITE sip:200@example.com SIP/2.0", cseq="INVITE"),
        415,
    ),
    "regaut01": (
        options("Authorization: NoOneKnowsThisScheme opaque-data=here",
                first="REGISTER sip:example.com SIP/2.0", cseq="REGISTER"),
        401,
    ),
    "unksm2": (
        options("Contact: <name:John_Smith>", first="REGISTER sip:example.com SIP/2.0",
                cseq="REGISTER").replace(b"To: <sip:200@example.com>", b"To: <isbn:2983792873>"),
        401,
    ),
}  # fmt: skip

# Nothing to be answered: no request, or nobody to answer.
HOPELESS: dict[str, bytes] = {
    "bigcode": message("SIP/2.0 4294967301 better not break the receiver", VIA, *COMMON),
    "scalarlg": message("SIP/2.0 503 x", VIA, *COMMON, "CSeq: 9292394834772304023312 OPTIONS"),
    "novia": options().replace(VIA.encode() + b"\r\n", b""),
    "badvia": options().replace(b"Via: SIP/2.0", b"Via: HTTP/9"),
    "noack": options("Content-Length: 99", first="ACK sip:200@example.com SIP/2.0", cseq="ACK"),
    "http": b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    "stun": bytes.fromhex("000100002112a442") + bytes(12),
    "bcast": message(
        "SIP/2.0 200 OK", VIA.replace("192.0.2.2", "192.0.2.198"), *COMMON, "CSeq: 1 INVITE"
    ),
}
