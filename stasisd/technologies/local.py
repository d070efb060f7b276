"""``Local/exten@context``: a pair of channels, the far half of which runs in the dialplan."""

import trio

from stasisd.core import causes
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot, DialplanPosition, Party
from stasisd.core.technology import AllocationFailed, DialFailed, NewChannel
from stasisd.core.tenant import Tenant
from stasisd.media.control import MediaUnavailable, NoPortsLeft

# What the halves that connect two bridges are named by: context and extension.
LINK = ("transfer", "_attended")


class Half:
    """One half of the pair, as the leg of its channel."""

    def __init__(self) -> None:
        self.channel: Channel
        self.other: Half
        self._outcome = trio.Event()
        self._failed: DialFailed | None = None

    async def dial(self) -> None:
        """Let the far half run in the dialplan, and wait until that answers."""
        far = self.other.channel
        for name, value in self.channel.variables.items():
            far.set_variable(name, value)
        near = self.channel.snapshot
        known = near.connected if near.connected != Party() else None
        far.set_parties(caller=known, connected=near.caller)
        far.tenant.start(far, far.tenant.router.run)
        await _one_turn()
        self.channel.attempt.begin()
        await self._outcome.wait()
        if self._failed is not None:
            raise self._failed

    def _settle(self, failed: DialFailed | None = None) -> None:
        """Tell the half that dials how it went; the first word counts."""
        if not self._outcome.is_set():
            self._failed = failed
            self._outcome.set()

    def answer(self) -> None:
        """Answer what the other half dials."""
        self.other._settle()

    def ring(self) -> None:
        """Let the other half ring."""
        self.other.channel.attempt.ringing()

    def ring_stop(self) -> None:
        """A ringing state is not taken back."""

    def progress(self) -> None:
        """Let the other half hear this one before the answer."""
        self.other.channel.attempt.progressing()

    def busy(self) -> None:
        """End the other half's dialling."""
        self.other._settle(DialFailed(causes.USER_BUSY, "BUSY"))

    def hold(self) -> None:
        """Halves do not tell each other of a hold: there is no phone to light a lamp on."""

    def unhold(self) -> None:
        """See ``hold``."""

    def hangup(self, cause: int) -> None:
        """End the other half too."""
        other = self.other
        other._settle(DialFailed(cause))
        if other.channel.started:
            other.channel.hangup(cause)
        else:  # never dialled: it has no task that could end it
            other.channel.destroy()


class Local:
    """The technology ``Local``."""

    name = "Local"

    def knows(self, tenant: Tenant, resource: str) -> bool:
        """Whether the dialplan has the extension, for the state of the device."""
        return tenant.router.exists(*_place(resource), 1)

    def request(self, tenant: Tenant, resource: str, new: NewChannel) -> Channel:
        """Make both halves; the first is the one to dial.

        The resource is ``exten[@context][/options]``. Raises AllocationFailed where the
        dialplan has no such extension, an id is taken or the tenant drains.
        """
        context, exten = _place(resource)
        if not exten or not tenant.router.exists(context, exten, 1):
            raise AllocationFailed(f"there is no extension {exten!r} in context {context!r}")
        position = DialplanPosition(context, exten, 1)
        return _make_pair(tenant, position, new, ("Down", "Ring"), resource)

    def link(self, tenant: Tenant) -> tuple[Channel, Channel]:
        """Make two answered halves, for two bridges. Raises AllocationFailed."""
        position = DialplanPosition(*LINK, 1)
        near = _make_pair(tenant, position, NewChannel(), ("Up", "Up"))
        assert near.other_half is not None
        return near, near.other_half


def _make_pair(
    tenant: Tenant,
    position: DialplanPosition,
    new: NewChannel,
    states: tuple[str, str],
    dialstring: str = "",
) -> Channel:
    """Two halves in these states; returns the near one. Raises AllocationFailed."""
    near_id, far_id = _ids(tenant, new)
    tenant.claim(near_id, far_id)
    try:
        near_port, far_port = tenant.media.open_pair()
    except (MediaUnavailable, NoPortsLeft) as unavailable:
        raise AllocationFailed(str(unavailable)) from None
    near, far = Half(), Half()
    near.other, far.other = far, near
    name = f"Local/{position.exten}@{position.context}-{tenant.new_name_suffix()}"
    for half, object_id, number, state, port in (
        (near, near_id, 1, states[0], near_port),
        (far, far_id, 2, states[1], far_port),
    ):
        half.channel = Channel(
            tenant,
            half,
            ChannelSnapshot(
                id=object_id,
                name=f"{name};{number}",
                state=state,
                caller=new.caller if half is near else Party(),
                connected=new.connected if half is near else Party(),
                dialplan=position,
                creationtime=tenant.now(),
                language=tenant.settings.language,
                channelvars=tenant.shown_variables({}),
            ),
            dialstring=dialstring,
        )
        half.channel.attach(port)
    near.channel.other_half = far.channel
    tenant.add_channel(near.channel)
    tenant.add_channel(far.channel)
    return near.channel


async def _one_turn() -> None:
    """Let a task that was just started run until it waits for something.

    A far half that rings at once has rung before the attempt is told (recorded:
    create_and_dial): there, the attempt is told by who dials when the call is on its way.
    """
    for _ in range(2):  # Trio runs what is ready in rounds: this task's, and the new one's
        await trio.lowlevel.checkpoint()


def _place(resource: str) -> tuple[str, str]:
    """The context and extension of ``exten[@context][/options]``."""
    exten, _, context = resource.partition("/")[0].partition("@")
    return context or "default", exten


def _ids(tenant: Tenant, new: NewChannel) -> tuple[str, str]:
    """Ids as asked for; of the other half ``;2`` is added where only one was given."""
    if new.channel_id is None:
        return tenant.new_channel_id(), new.other_channel_id or tenant.new_channel_id()
    return new.channel_id, new.other_channel_id or f"{new.channel_id};2"
