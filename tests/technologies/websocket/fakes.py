"""A program on a WebSocket that is none: messages go to and fro at once."""

from collections.abc import Sequence

import msgspec
import trio

from stasisd.core.media_socket import SocketLost


class FakeSocket:
    """What a channel has of a program; `say` and `leave` are the program's."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.sound = b""
        self.closed: list[int] = []
        self.stuck = self.aborted = False
        self.news = trio.Event()
        self._say, self._said = trio.open_memory_channel[list[str | bytes]](1000)

    def say(self, *messages: str | bytes) -> None:
        self._say.send_nowait(list(messages))

    def leave(self) -> None:
        self._say.close()

    def commands(self, *names: str) -> None:
        for name in names:
            self.say(msgspec.json.encode({"command": name}).decode())

    async def send(self, messages: Sequence[str | bytes]) -> None:
        await trio.lowlevel.checkpoint()
        if self.stuck:
            await trio.sleep_forever()
        for message in messages:
            if isinstance(message, str):
                self.texts.append(message)
            else:
                self.sound += message
        self.news.set()
        self.news = trio.Event()

    async def receive(self) -> list[str | bytes]:
        try:
            return await self._said.receive()
        except trio.EndOfChannel:
            raise SocketLost("the program is gone") from None

    async def close(self, code: int) -> None:
        if self.stuck:
            await trio.sleep_forever()
        self.closed.append(code)

    def abort(self) -> None:
        self.aborted = True
        self._said.close()
        self._say.close()

    async def told(self, beginning: str) -> str:
        """Wait for a text that begins so, and take it."""
        while True:
            for text in self.texts:
                if text.startswith(beginning):
                    self.texts.remove(text)
                    return text
            await self.news.wait()
