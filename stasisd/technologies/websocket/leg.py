"""The leg of a channel whose far end is a program on a WebSocket."""

from collections.abc import Callable

import trio

from stasisd.core import causes
from stasisd.core.channel import Channel
from stasisd.core.media_socket import Expected, MediaSocket, SocketLost
from stasisd.technologies.silent import SilentLeg

from .talk import Introduction, Talk

CHUNK = 16 * 1024
GOODBYE_SECONDS = 0.5
NORMAL = 1000


class MediaLeg(SilentLeg):
    """Carries sound and texts between the program and the media process while the channel lives."""

    channel: Channel

    def __init__(
        self,
        expected: Expected,
        media: trio.SocketStream,
        introduce: Callable[[Channel], Introduction],
        *,
        answers: bool,
        forget: Callable[[], object] = lambda: None,
    ) -> None:
        """``media`` is the way to the media process.

        ``answers`` says that the program's coming is the answer, and not its word. ``forget`` is
        called at the end.
        """
        self._expected = expected
        self._media = media
        self._introduce = introduce
        self._answers = answers
        self._forget = forget
        self._answered = trio.Event()
        self._room = trio.Event()
        self._sending = trio.Lock()

    async def dial(self) -> None:
        """Wait until the program is there and takes the call."""
        self.channel.attempt.begin()
        assert self.channel.nursery is not None
        self.channel.nursery.start_soon(self._run)
        await self._answered.wait()

    async def _run(self) -> None:
        socket = await self._expected.wait()
        cause = causes.NORMAL_CLEARING
        try:
            await self._converse(socket)
        except* SocketLost as lost:
            self.channel.log.info("media WebSocket lost", reason=str(lost.exceptions[0]))
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            cause = causes.NETWORK_OUT_OF_ORDER  # the media process is gone
        finally:
            with trio.move_on_after(GOODBYE_SECONDS, shield=True):
                await socket.close(NORMAL)
            self.channel.hangup(cause, shown=None)

    async def _converse(self, socket: MediaSocket) -> None:
        talk = Talk(self._introduce(self.channel))
        talk.start(self.channel.variables)
        await self._pass_on(talk, socket)
        if self._answers:
            self._answered.set()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._speak, talk, socket)
            await self._listen(talk, socket)
            nursery.cancel_scope.cancel()

    async def _listen(self, talk: Talk, socket: MediaSocket) -> None:
        """Take what the program says, until it hangs up."""
        while not talk.hung_up:
            for message in await socket.receive():
                talk.take(message)
            if talk.answered:
                self._answered.set()
            await self._pass_on(talk, socket)
            while talk.is_full:
                self._room = trio.Event()
                await self._room.wait()

    async def _speak(self, talk: Talk, socket: MediaSocket) -> None:
        """Take what the media process says, until it closes the port."""
        while data := await self._media.receive_some(CHUNK):
            talk.hear(bytes(data))
            self._room.set()
            await self._pass_on(talk, socket)

    async def _pass_on(self, talk: Talk, socket: MediaSocket) -> None:
        """Send what is to be sent, to both sides and in order."""
        async with self._sending:
            sound = talk.sound()
            if sound:
                await self._media.send_all(sound)
            messages = talk.messages()
            if messages:
                await socket.send(messages)

    def hangup(self, _cause: int) -> None:
        """Close what is open; what carries has ended."""
        self._forget()
        self._expected.end()
        self._media.socket.close()
