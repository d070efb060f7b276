"""``WebSocket/...``: channels that exchange sound with a program over a WebSocket.

Binary messages are sound in the channel's format, texts are commands and events. Between the
connection and the media process is a socket pair, so that the media process knows nothing of
WebSockets, and what is said in advance waits here, where it can be taken back.

- `control`: the texts, read and written.
- `speech`: what the program said that nobody has heard yet.
- `talk`: the conversation, between the program and the media process. Sans-IO, as these all.
- `leg`: carries the conversation while the channel lives.
- `client`: a WebSocket that we open; one that a program opens comes by `core.media_socket`.
- `technology`: makes the channels.
"""

from .technology import Connection, MediaWebSocket

__all__ = ["Connection", "MediaWebSocket"]
