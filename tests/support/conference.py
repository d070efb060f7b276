"""Phones on the virtual network that are in an application, and what they say and hear."""

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import numpy as np
import pytest
import trio
from numpy.typing import NDArray

from stasisd.core import dialing
from stasisd.core.channel import Channel
from stasisd.core.snapshots import ChannelSnapshot
from stasisd.core.tenant import Tenant
from stasisd.media.control import Media, MediaSettings
from stasisd.technologies.local import Half
from tests.media import calls
from tests.media.audio import Samples
from tests.support.media import Far, InProcessLink, Network, in_process
from tests.support.tenant import Listener, assert_nothing_left, make_tenant
from tests.support.world import APP

# The tone that each phone says, in hertz, and that of what is played.
TONES = {"a": 500, "b": 900, "c": 1300}
PLAYED = 1700
SECONDS = 1
AUDIBLE = 0.02  # of full scale


class Silent(Half):
    """The leg of a phone that takes everything and answers nothing."""

    def hangup(self, cause: int) -> None:
        """There is nobody to tell."""


class Phone:
    """A channel in the application, with a far end that can speak and hear."""

    def __init__(self, channel: Channel, far: Far) -> None:
        self.channel = channel
        self.far = far

    async def say(self, hertz: int) -> None:
        """Say a tone for a second."""
        assert self.channel.port is not None
        await calls.say(self.far, self.channel.port, tone(hertz))

    def heard(self) -> set[int]:
        """The tones that came; they are forgotten."""
        samples = calls.heard(self.far) / 32768
        self.far.packets.clear()
        return tones_in(samples)


def tone(hertz: int) -> Samples:
    time = np.arange(8000 * SECONDS) / 8000
    samples: Samples = (np.sin(2 * np.pi * hertz * time) * 6000).astype(np.int16)
    return samples


def tones_in(
    samples: NDArray[np.float64], among: Iterable[int] = (*TONES.values(), PLAYED)
) -> set[int]:
    """Which of these tones a sound holds."""
    if not len(samples):
        return set()
    time = np.arange(len(samples)) / 8000
    return {
        hertz
        for hertz in among
        if abs(np.mean(samples * np.exp(-2j * np.pi * hertz * time))) * 2 > AUDIBLE
    }


class Conference:
    """A tenant whose phones are on a virtual network."""

    def __init__(self, tenant: Tenant, network: Network, links: list[InProcessLink]) -> None:
        """``links`` lead to the media processes there were."""
        self.tenant = tenant
        self.network = network
        self.links = links
        self.phones: dict[str, Phone] = {}

    async def phone(self, name: str) -> Phone:
        """A phone in a call with the application."""
        host = f"192.0.2.{len(self.phones) + 1}"
        port, far = await calls.call(self.tenant.media, self.network, host=host)
        snapshot = ChannelSnapshot(
            id=name, name=f"Phone/{name}", state="Up", creationtime=self.tenant.now()
        )
        channel = Channel(self.tenant, Silent(), snapshot)
        channel.attach(port)
        self.tenant.add_channel(channel)
        self.tenant.start(channel, dialing.into_application(APP, ()))
        await trio.testing.wait_all_tasks_blocked()
        made = self.phones[name] = Phone(channel, far)
        return made

    async def talk(self, *speakers: str) -> None:
        """Let these say their tones at the same time, and what they said arrive."""
        for phone in self.phones.values():
            phone.heard()
        async with trio.open_nursery() as nursery:
            for name in speakers or self.phones:
                nursery.start_soon(self.phones[name].say, TONES[name])
        await trio.sleep(0.2)

    def heard(self) -> dict[str, set[int]]:
        return {name: phone.heard() for name, phone in self.phones.items()}


def of(*names: str) -> set[int]:
    return {TONES[name] for name in names}


@pytest.fixture
async def conference(tmp_path: Path) -> AsyncIterator[Conference]:
    """Three phones that are in no bridge yet."""
    network = Network()
    links: list[InProcessLink] = []
    media = Media(MediaSettings(bind="192.0.2.100"), in_process(network, links))
    async with trio.open_nursery() as nursery:
        await nursery.start(media.run)
        tenant = make_tenant(media, tmp_path)
        await nursery.start(tenant.run)
        Listener(tenant, APP)
        made = Conference(tenant, network, links)
        for name in TONES:
            await made.phone(name)
        yield made
        for channel in list(tenant.channels.values()):
            channel.hangup()
        for bridge in list(tenant.bridges.values()):
            bridge.destroy()
        await trio.sleep(3)
        assert_nothing_left(tenant)
        nursery.cancel_scope.cancel()
