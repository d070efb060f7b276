"""Operations on applications."""

from typing import Annotated

from stasisd.core.application import Application
from stasisd.core.snapshots import ApplicationSnapshot
from stasisd.core.tenant import Tenant

from .declare import Control, Each, Read, Required, operation
from .errors import InvalidParameter, Unprocessable

NOT_FOUND = {404: "Application does not exist."}
SUBSCRIPTION = {
    400: "Missing parameter.",
    404: "Application does not exist.",
    422: "Event source does not exist.",
}
EventSources = Annotated[list[str], Required("Missing parameter eventSource")]


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
def subscribe(application: Control[Application], event_source: EventSources) -> ApplicationSnapshot:
    """Let an application follow channels, bridges or endpoints."""
    topics = [event_topic(source) for source in event_source]
    for topic in topics:
        if not exists(application.tenant, topic):
            raise Unprocessable("Event source does not exist")
    for topic in topics:
        if not application.follows(topic):
            application.follow(topic)
    return application.snapshot


@operation(
    "applications.unsubscribe",
    rest="DELETE /applications/{applicationName}/subscription",
    errors={409: "Application not subscribed to event source.", **SUBSCRIPTION},
)
def unsubscribe(
    application: Control[Application], event_source: EventSources
) -> ApplicationSnapshot:
    """Let an application follow something no more."""
    topics = [event_topic(source) for source in event_source]
    for topic in topics:
        if not application.follows(topic):
            raise Unprocessable("Event source was not subscribed to")
    for topic in topics:
        application.forget(topic)
    return application.snapshot


def event_topic(source: str) -> str:
    """The bus topic that an event source names. Raises :class:`InvalidParameter`."""
    scheme, colon, name = source.partition(":")
    if not colon or scheme not in {"channel", "bridge", "endpoint"}:
        raise InvalidParameter("Invalid event source URI scheme")
    return f"{scheme}:{name}"


def exists(tenant: Tenant, topic: str) -> bool:
    """Whether there is an object behind a topic."""
    scheme, _, name = topic.partition(":")
    if scheme == "channel":
        return name in tenant.channels
    if scheme == "bridge":
        return name in tenant.bridges
    technology, slash, resource = name.partition("/")
    if not slash:
        return technology in tenant.technologies
    return (technology, resource) in tenant.endpoints
