"""The documents as bytes: built once, and completed with the host at which they are asked for.

A client calls operations at the `basePath` of its documents, so that has to be the address by
which this client reached us, whatever forwarded it. The Host header is the client's word: what
is not a host is not repeated.
"""

import re
from collections.abc import Iterable

import msgspec

from stasisd.operations.declare import Operation

from .openapi import NAME, openapi
from .swagger import documents

# host[:port] of RFC 9110 section 7.2, without percent-encoding: a name, IPv4, or [IPv6].
_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class SwaggerDocuments:
    """Gives a document by its name, such as `channels.json`."""

    def __init__(
        self,
        operations: Iterable[Operation],
        *,
        host: str,
        scheme: str = "http",
        prefix: str = "ari",
    ) -> None:
        """`host`, with its port, stands where a client names none that is one.

        `scheme` is that of the listener, `http` or `https`; `prefix` the first path segment.
        """
        self._host = host
        self._prefix = prefix
        before = f'"{scheme}://'
        operations = tuple(operations)
        self._documents = {
            name: (f'{{"basePath":{before}'.encode(), b'",', msgspec.json.encode(document)[1:])
            for name, document in documents(operations).items()
        }
        whole = msgspec.json.encode(openapi(operations))[1:]
        self._documents[NAME] = (f'{{"servers":[{{"url":{before}'.encode(), b'"}],', whole)

    def __call__(self, name: str, host: str) -> bytes | None:
        """Return the JSON of a document, or None for one there is not.

        `host` is the request's Host header, empty if it had none.
        """
        found = self._documents.get(name)
        if found is None:
            return None
        known = host if _HOST.fullmatch(host) else self._host
        before, after, rest = found
        return before + f"{known}/{self._prefix}".encode() + after + rest
