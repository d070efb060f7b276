"""One tenant of the daemon, and the task that carries it."""

from collections.abc import Callable, Sequence
from typing import Protocol

import structlog
import trio

from stasisd.config import settings
from stasisd.core.tenancy import Life, TenantSnapshot
from stasisd.core.tenant import Tenant

log = structlog.get_logger(__name__)


class Connection(Protocol):
    """A WebSocket that we open in the tenant's name."""

    async def run(self, stop: trio.Event) -> None:
        """Connect, and connect again, until stopped."""


class Entry:
    """A tenant by its name and settings, whether it runs or not.

    ``parted`` is set once its connections have said goodbye.
    """

    def __init__(self, name: str, given: settings.Tenant, *, configured: bool) -> None:
        """``configured`` says that it stands in the configuration file."""
        self.name = name
        self.given = given
        self.configured = configured
        self.life = Life.SUSPENDED
        self.began = 0.0  # on Trio's clock
        self.parted = trio.Event()
        self.parted.set()
        self._scope = trio.CancelScope()
        self._ended = trio.Event()
        self._ended.set()

    @property
    def snapshot(self) -> TenantSnapshot:
        """The tenant as it is now."""
        return TenantSnapshot(
            name=self.name,
            state=self.life,
            domains=self.given.domains,
            configured=self.configured,
        )

    async def carry(
        self,
        tenant: Tenant,
        connections: Sequence[Connection],
        opened: trio.Event,
        stop: trio.Event,
        crashed: Callable[["Entry"], None],
        *,
        task_status: trio.TaskStatus[None],
    ) -> None:
        """Run until cancelled. A bug that ends the tenant ends nothing else.

        The connections are opened once the daemon is.
        """
        self.began = trio.current_time()
        self._scope, self._ended, self.parted = trio.CancelScope(), trio.Event(), trio.Event()
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    await nursery.start(tenant.run)
                    task_status.started()
                    await opened.wait()
                    await self._talk(connections, stop)
        except Exception:  # the barrier: a bug ends one tenant
            log.exception("a tenant crashed", tenant=self.name)
            self.life = Life.FAILED
            crashed(self)
        finally:
            self.parted.set()
            self._ended.set()

    async def _talk(self, connections: Sequence[Connection], stop: trio.Event) -> None:
        async with trio.open_nursery() as nursery:
            for connection in connections:
                nursery.start_soon(connection.run, stop)
        self.parted.set()

    async def end(self) -> None:
        """Cancel all that the tenant does, and wait until it is over."""
        self._scope.cancel()
        await self._ended.wait()
