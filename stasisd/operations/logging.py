"""Operations on log channels: files that take copies of the log."""

from typing import Annotated

from stasisd.core.log_files import BadLogChannel, LogChannelExists, LogChannelSnapshot

from .declare import ControlTenant, Named, ReadTenant, Required, operation
from .errors import Conflict, InvalidParameter, NotFound, OperationFailed

ChannelName = Annotated[str, Named("logChannelName")]
ABSENT = "Log channel does not exist"
NOT_FOUND = {404: "Log channel does not exist."}


@operation("asterisk.listLogChannels", rest="GET /asterisk/logging")
def list_log_channels(tenant: ReadTenant) -> list[LogChannelSnapshot]:
    """List the log channels."""
    return tenant.tenant.log_files.all()


@operation(
    "asterisk.addLog",
    rest="POST /asterisk/logging/{logChannelName}",
    errors={400: "Bad request body", 409: "Log channel already exists."},
)
def add_log(
    tenant: ControlTenant,
    name: ChannelName,
    configuration: Annotated[str, Required("Missing parameter configuration")],
) -> None:
    """Write the log to a file of this name, too: the levels in `configuration`."""
    try:
        tenant.tenant.log_files.add(name, configuration)
    except BadLogChannel as bad:
        raise InvalidParameter("Configuration is invalid", detail=str(bad)) from None
    except LogChannelExists:
        raise Conflict("Log channel already exists") from None
    except OSError as error:
        raise OperationFailed("Could not add log channel", detail=error.strerror) from None


@operation("asterisk.deleteLog", rest="DELETE /asterisk/logging/{logChannelName}", errors=NOT_FOUND)
def delete_log(tenant: ControlTenant, name: ChannelName) -> None:
    """Write this file no more."""
    if not tenant.tenant.log_files.remove(name):
        raise NotFound(ABSENT)


@operation(
    "asterisk.rotateLog",
    rest="PUT /asterisk/logging/{logChannelName}/rotate",
    errors=NOT_FOUND,
)
def rotate_log(tenant: ControlTenant, name: ChannelName) -> None:
    """Go on in a new file; the one there was is kept under another name."""
    channel = tenant.tenant.log_files.get(name)
    if channel is None:
        raise NotFound(ABSENT)
    try:
        channel.rotate()
    except OSError as error:
        raise OperationFailed("Could not rotate log channel", detail=error.strerror) from None
