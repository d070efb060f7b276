"""What core asks of a dialplan."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from .channel import Channel


class Router(Protocol):
    """Runs channels in a dialplan."""

    async def run(self, channel: "Channel", *, owner: bool = True) -> None:
        """Execute from the channel's position to the end of the dialplan.

        ``owner`` says that the dialplan is the channel's whole life: it then asks for the
        hangup when it is over.
        """

    async def run_hangup(self, channel: "Channel") -> None:
        """Execute the ``h`` extension of the channel's context, if it has one."""

    def exists(self, context: str, exten: str, priority: int) -> bool:
        """Whether a channel can be sent there."""

    def priority_of(self, context: str, exten: str, label: str) -> int | None:
        """The priority that carries this label."""
