"""What can be played to and recorded: a channel, or what we put into a bridge for that."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Protocol

from stasisd.media.control import Port

if TYPE_CHECKING:
    from .playback import Playback
    from .tenant import Tenant


class Stage(Protocol):
    """Playbacks and recordings live in the nursery of their stage, and end with it."""

    tenant: "Tenant"
    topics: tuple[str, ...]
    playbacks: list["Playback"]
    port: Port | None
    over: str  # why what runs on it ends with it, e.g. "the channel was hung up"

    @property
    def target_uri(self) -> str:
        """ARI's name of it: ``channel:ID`` or ``bridge:ID``."""

    @property
    def language(self) -> str:
        """The language that prompts are in."""

    @property
    def application_name(self) -> str | None:
        """The application that it belongs to, for caveats."""

    @property
    def is_open(self) -> bool:
        """Whether something may start on it."""

    def start_soon(self, task: Callable[[], Awaitable[None]]) -> None:
        """Start a task that lives no longer than this. It must be open."""
