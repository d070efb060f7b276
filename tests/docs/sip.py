"""The reference of SIP: methods and the mapping of causes, from the code."""

from stasisd.core import causes as core_causes
from stasisd.sip.causes import CAUSE_OF_STATUS, STATUS_OF_CAUSE
from stasisd.sip.objections import KNOWN_METHODS
from stasisd.sip.stack import EXTENSIONS, METHODS
from tests.docs.tables import code, table


def methods() -> str:
    """What is understood, and what is refused as known."""
    refused = ", ".join(code(method) for method in sorted(KNOWN_METHODS.difference(METHODS)))
    extensions = ", ".join(map(code, EXTENSIONS)) or "none"
    return (
        f"Taken: {', '.join(map(code, METHODS))}.\n"
        f"Answered with 405: {refused}. Any other method gets 501.\n"
        f"Extensions (`Supported`): {extensions}.\n"
    )


def causes() -> str:
    """The Q.850 cause of each final response of a phone."""
    found: dict[int, list[int]] = {}
    for status, cause in CAUSE_OF_STATUS.items():
        found.setdefault(cause, []).append(status)
    rows = [
        (", ".join(map(str, statuses)), str(cause), core_causes.text(cause))
        for cause, statuses in sorted(found.items())
    ]
    return table(("response", "cause", "as text"), rows)


def statuses() -> str:
    """The response with which an unanswered call is refused for each Q.850 cause."""
    found: dict[int, list[int]] = {}
    for cause, status in STATUS_OF_CAUSE.items():
        found.setdefault(status, []).append(cause)
    rows = [(", ".join(map(str, given)), str(status)) for status, given in sorted(found.items())]
    return table(("cause", "response"), rows)
