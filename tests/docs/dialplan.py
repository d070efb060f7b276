"""The reference of the dialplan: applications, functions and variables from the code."""

from stasisd.core import causes, variables
from stasisd.dialplan.applications import APPLICATIONS
from tests.docs.tables import code, table


def applications() -> str:
    """Each application as its own docstring has it."""
    return "".join(f"- {_described(run.__doc__)}\n" for _, run in sorted(APPLICATIONS.items()))


def _described(docstring: str | None) -> str:
    assert docstring is not None
    return " ".join(docstring.split()).replace("``", "`")


def functions() -> str:
    """Functions, the channel's properties and the variables that nobody sets."""
    rows = [
        ("`CALLERID(num)`, `CALLERID(name)`, `CALLERID(all)`", "read and set"),
        ("`CONNECTEDLINE(num)`, `CONNECTEDLINE(name)`, `CONNECTEDLINE(all)`", "read and set"),
        *((code(f"CHANNEL({name})"), _access(name)) for name in variables.CHANNEL_PROPERTIES),
        ("`TALK_DETECT(set)`, `TALK_DETECT(remove)`", "set"),
        ("[`TONE_DETECT(...)`](media.md#tones-that-are-listened-for)", "set"),
        ("`TONE_DETECT(rx)`, `TONE_DETECT(tx)`", "read"),
        ("`PJSIP_TRANSFER_HANDLING()`", "set"),
        *((code(name), "read") for name in variables.BUILT_IN),
    ]
    assert len(variables.FUNCTIONS) == 6, "a function has no row yet"
    return table(("name", "may be"), rows)


def _access(name: str) -> str:
    return "read and set" if name in {"language", "accountcode", "musicclass"} else "read"


def dial_status() -> str:
    """What DIALSTATUS says for which Q.850 causes."""
    found: dict[str, list[int]] = {}
    for cause in causes.TEXT:
        found.setdefault(causes.dial_status(cause), []).append(cause)
    # The rule is for all numbers; what is not named is CONGESTION.
    rows = [
        (code(status), "all others" if status == "CONGESTION" else ", ".join(map(str, given)))
        for status, given in sorted(found.items())
    ]
    return table(("`DIALSTATUS`", "when the attempt ended with cause"), rows)
