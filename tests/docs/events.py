"""The reference of the events, from their types."""

from stasisd.bindings.ari.event_fields import OBJECTS
from stasisd.core import events
from tests.docs import tables
from tests.docs.tables import code, first_line


def table() -> str:
    """Type, meaning, and the objects shown, of each event that is published."""
    published = [
        kind
        for kind in vars(events).values()
        if isinstance(kind, type) and issubclass(kind, events.Event) and not kind.__subclasses__()
    ]
    rows = [
        (
            code(kind.__name__),
            first_line(kind.__doc__),
            ", ".join(map(code, _objects(kind))) or "none",
        )
        for kind in sorted(published, key=lambda kind: kind.__name__)
    ]
    return tables.table(("type", "when", "objects"), rows)


def _objects(kind: type[events.Event]) -> list[str]:
    if kind is events.ChannelTransfer:  # its objects are a level further down
        return ["refer_to", "referred_by"]
    return [name for name in OBJECTS if name in kind.__struct_fields__]
