"""The leg of a channel behind which nobody is who could be told anything."""

import trio


class SilentLeg:
    """Its verbs do nothing; the channel itself closes its media."""

    async def dial(self) -> None:
        """Nobody has to answer."""
        await trio.lowlevel.checkpoint()

    def answer(self) -> None:
        """Nobody is told; so with all that follows."""

    ring = ring_stop = progress = busy = hold = unhold = answer

    def hangup(self, _cause: int) -> None:
        """Nobody is told."""
