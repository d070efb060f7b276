"""Operations on endpoints."""

from collections.abc import Callable
from typing import Annotated, Any

from stasisd.core.endpoint import Endpoint
from stasisd.core.snapshots import EndpointSnapshot
from stasisd.core.technology import BadMessage, Messenger, NotReachable

from .declare import Absent, Control, Each, Named, Read, ReadTenant, Required, operation
from .errors import InvalidParameter, NotFound
from .parameters import Addressee, ReferTarget

NOT_FOUND = {404: "Endpoints not found"}
MESSAGES = {400: "Invalid parameters for sending a message.", 404: "Endpoint not found"}

To = Annotated[
    Control[Addressee], Required("To must be specified"), Absent("Endpoint not found", NotFound)
]
Sender = Annotated[str, Named("from"), Required("From must be specified")]
Target = Annotated[ReferTarget, Named("refer_to"), Required("Refer to must be specified")]


@operation("endpoints.list", rest="GET /endpoints")
def list_(endpoints: Each[Endpoint]) -> list[EndpointSnapshot]:
    """List all endpoints."""
    return [endpoint.snapshot for endpoint in endpoints]


@operation(
    "endpoints.sendMessage", rest="PUT /endpoints/sendMessage", errors=MESSAGES, accepted=True
)
def send_message(
    to: To, sender: Sender, body: str = "", variables: dict[str, Any] | None = None
) -> None:
    """Send a text to the endpoint that an address names."""
    _send(to.endpoint, sender, body, variables)


@operation("endpoints.refer", rest="POST /endpoints/refer", errors=MESSAGES, accepted=True)
def refer(
    to: To,
    sender: Sender,
    refer_to: Target,
    to_self: Annotated[bool, Named("to_self")] = False,
    variables: dict[str, Any] | None = None,
) -> None:
    """Ask the endpoint that an address names to call somebody."""
    _refer(to.endpoint, sender, refer_to, variables, to_us=to_self)


@operation("endpoints.listByTech", rest="GET /endpoints/{tech}", errors=NOT_FOUND)
def list_by_tech(
    endpoints: Each[Endpoint], tenant: ReadTenant, tech: str
) -> list[EndpointSnapshot]:
    """List the endpoints of one technology."""
    if tech not in tenant.tenant.technologies:
        raise NotFound(f"No Endpoints found - invalid tech {tech}")
    return [endpoint.snapshot for endpoint in endpoints if endpoint.technology == tech]


@operation(
    "endpoints.get",
    rest="GET /endpoints/{tech}/{resource}",
    errors={400: "Invalid parameters", **NOT_FOUND},
)
def get(endpoint: Read[Endpoint]) -> EndpointSnapshot:
    """Get one endpoint."""
    return endpoint.snapshot


@operation(
    "endpoints.sendMessageToEndpoint",
    rest="PUT /endpoints/{tech}/{resource}/sendMessage",
    errors=MESSAGES,
    accepted=True,
)
def send_message_to_endpoint(
    endpoint: Control[Endpoint],
    sender: Sender,
    body: str = "",
    variables: dict[str, Any] | None = None,
) -> None:
    """Send a text to an endpoint."""
    _send(endpoint, sender, body, variables)


@operation(
    "endpoints.referToEndpoint",
    rest="POST /endpoints/{tech}/{resource}/refer",
    errors=MESSAGES,
    accepted=True,
)
def refer_to_endpoint(
    endpoint: Control[Endpoint],
    sender: Sender,
    refer_to: Target,
    to_self: Annotated[bool, Named("to_self")] = False,
    variables: dict[str, Any] | None = None,
) -> None:
    """Ask an endpoint to call somebody."""
    _refer(endpoint, sender, refer_to, variables, to_us=to_self)


def _send(endpoint: Endpoint, sender: str, body: str, variables: dict[str, Any] | None) -> None:
    messenger = _messenger(endpoint)
    _try(lambda: messenger.send_text(endpoint, sender, body, _texts(variables)))


def _refer(
    endpoint: Endpoint,
    sender: str,
    target: str,
    variables: dict[str, Any] | None,
    *,
    to_us: bool,
) -> None:
    messenger = _messenger(endpoint)
    _try(lambda: messenger.refer(endpoint, sender, target, _texts(variables), to_us=to_us))


def _messenger(endpoint: Endpoint) -> Messenger:
    found: object = endpoint.tenant.technologies.get(endpoint.technology)
    if not isinstance(found, Messenger):
        raise NotFound("Endpoint not found", detail=f"{endpoint.technology} carries no messages")
    return found


def _try(send: Callable[[], None]) -> None:
    try:
        send()
    except NotReachable as error:
        raise NotFound("Endpoint not found", detail=str(error)) from None
    except BadMessage as error:
        message = "Invalid parameters for sending a message"
        raise InvalidParameter(message, detail=str(error)) from None


def _texts(variables: dict[str, Any] | None) -> dict[str, str]:
    """Variables as texts; each becomes a header of the message."""
    for name, value in (variables or {}).items():
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise InvalidParameter(f"the variable {name!r} must be text")
    return {name: str(value) for name, value in (variables or {}).items()}
