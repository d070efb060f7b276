"""Operations on applications."""

from typing import Annotated, Any

from stasisd.core.application import Application
from stasisd.core.event_filter import BadFilter
from stasisd.core.snapshots import ApplicationSnapshot

from .declare import Absent, Control, Each, Fields, Named, Read, Required, operation
from .errors import InvalidParameter, Unprocessable
from .parameters import EventSource, parse_source

NOT_FOUND = {404: "Application does not exist."}
SUBSCRIPTION = {
    400: "Missing parameter.",
    404: "Application does not exist.",
    422: "Event source does not exist.",
}
FILTER = {400: "Bad request.", **NOT_FOUND}
MISSING = Required("Missing parameter eventSource")


@operation("applications.list", rest="GET /applications")
def list_(applications: Each[Application]) -> list[ApplicationSnapshot]:
    """List all applications."""
    return [application.snapshot for application in applications]


@operation("applications.get", rest="GET /applications/{applicationName}", errors=NOT_FOUND)
def get(application: Read[Application]) -> ApplicationSnapshot:
    """Get one application."""
    return application.snapshot


@operation(
    "applications.subscribe",
    rest="POST /applications/{applicationName}/subscription",
    errors=SUBSCRIPTION,
)
def subscribe(
    application: Control[Application],
    sources: Annotated[
        list[Read[EventSource]],
        Named("eventSource"),
        MISSING,
        Absent("Event source does not exist", Unprocessable),
    ],
) -> ApplicationSnapshot:
    """Let an application follow channels, bridges or endpoints."""
    for source in sources:
        if not application.follows(source.topic):
            application.follow(source.topic)
    return application.snapshot


@operation(
    "applications.unsubscribe",
    rest="DELETE /applications/{applicationName}/subscription",
    errors={409: "Application not subscribed to event source.", **SUBSCRIPTION},
)
def unsubscribe(
    application: Control[Application], event_source: Annotated[list[str], MISSING]
) -> ApplicationSnapshot:
    """Let an application follow something no more."""
    topics = [":".join(parse_source(source)) for source in event_source]
    for topic in topics:
        if not application.follows(topic):
            raise Unprocessable("Event source was not subscribed to")
    for topic in topics:
        application.forget(topic)
    return application.snapshot


@operation(
    "applications.filter", rest="PUT /applications/{applicationName}/eventFilter", errors=FILTER
)
def filter_(
    application: Control[Application],
    filter: Annotated[dict[str, Any], Fields(("allowed", "disallowed"))] = {},  # noqa: A002, B006 - ARI's name; the default of a declaration
) -> ApplicationSnapshot:
    """Let an application hear some types of events only, or all but some."""
    try:
        application.filter = application.filter.changed(filter)
    except BadFilter as bad:
        raise InvalidParameter("Invalid format definition", detail=str(bad)) from None
    return application.snapshot
