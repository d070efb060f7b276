import pytest

from stasisd.sip.causes import (
    Reason,
    cause_of_response,
    cause_of_status,
    parse_reason,
    q850_of,
    reason_field,
    status_of_cause,
)
from stasisd.sip.grammar import MalformedSip
from stasisd.sip.headers import Headers


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (404, 1), (408, 18), (480, 19), (484, 28), (486, 17), (488, 58), (503, 34), (600, 17),
        (603, 21),
        (604, 1), (606, 58), (499, 127), (599, 34), (699, 127), (302, 16),
    ],
)  # fmt: skip
def test_what_a_refusal_means(status: int, cause: int) -> None:
    assert cause_of_status(status) == cause


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (1, 404), (3, 404), (17, 486), (18, 408), (19, 480), (21, 403), (28, 484), (34, 503),
        (58, 488), (16, 603), (0, 603),
    ],
)  # fmt: skip
def test_how_a_cause_refuses(cause: int, status: int) -> None:
    assert status_of_cause(cause) == status


def test_a_reason_is_read_and_written() -> None:
    assert parse_reason('Q.850 ;cause=16 ;text="Terminated"') == Reason("Q.850", 16, "Terminated")
    assert str(Reason("Q.850", 16, 'a "b"')) == 'Q.850;cause=16;text="a \\"b\\""'
    assert parse_reason("SIP") == Reason("SIP")
    assert str(Reason("SIP")) == "SIP"
    assert reason_field(17) == ("Reason", "Q.850;cause=17")
    with pytest.raises(MalformedSip):
        parse_reason("Q.850;cause=x")


def test_the_given_cause_wins() -> None:
    headers = Headers([("Reason", 'SIP;cause=200;text="Call completed elsewhere", Q.850;cause=26')])
    assert q850_of(headers) == 26
    assert cause_of_response(486, headers) == 26
    assert cause_of_response(486, Headers()) == 17


@pytest.mark.parametrize("value", ["Q.850;cause=x", "SIP;cause=16", "Q.850", '"', ""])
def test_a_reason_that_says_nothing_is_none(value: str) -> None:
    assert q850_of(Headers([("Reason", value)])) is None


def test_a_cause_beyond_q850_is_bounded() -> None:
    assert q850_of(Headers([("Reason", "Q.850;cause=999")])) == 127
