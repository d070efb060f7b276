"""UDP inside the test: Trio's sockets without a kernel, so that its clock may jump.

Every socket that is made in a test with the fixture `network` is one of these.
"""

import math
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.abc import SocketFactory

Address = tuple[str, int]
FIRST_PORT = 40000


class VirtualNetwork(SocketFactory):
    """Datagrams by address. What is sent to nobody is lost, and what ``lost`` says."""

    def __init__(self) -> None:
        self.sockets: dict[Address, VirtualSocket] = {}
        self.lost: Callable[[bytes], bool] = lambda _: False
        self._port = FIRST_PORT

    def socket(self, *_args: Any, **_options: Any) -> "VirtualSocket":
        return VirtualSocket(self)

    def free_port(self) -> int:
        self._port += 2
        return self._port


class VirtualSocket(trio.socket.SocketType):
    """What a phone needs of a UDP socket."""

    def __init__(self, network: VirtualNetwork) -> None:
        self._network = network
        self._address: Address = ("", 0)
        self._put, self._take = trio.open_memory_channel[tuple[bytes, Address]](math.inf)

    def __enter__(self) -> "VirtualSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def bind(self, address: Any) -> None:
        await trio.lowlevel.checkpoint()
        self._address = (address[0], address[1] or self._network.free_port())
        self._network.sockets[self._address] = self

    def getsockname(self) -> Any:
        return self._address

    async def sendto(self, *args: Any) -> int:
        data, target = args[0], args[-1]
        await trio.lowlevel.checkpoint()
        receiver = self._network.sockets.get(target)
        if receiver is not None and not self._network.lost(data):
            receiver._put.send_nowait((bytes(data), self._address))
        return len(data)

    async def recvfrom(self, *_args: Any) -> Any:
        return await self._take.receive()

    async def recv(self, *_args: Any) -> bytes:
        return (await self._take.receive())[0]

    def close(self) -> None:
        self._network.sockets.pop(self._address, None)


@pytest.fixture
async def network() -> VirtualNetwork:
    """The network of one test."""
    virtual = VirtualNetwork()
    trio.socket.set_custom_socket_factory(virtual)
    return virtual
