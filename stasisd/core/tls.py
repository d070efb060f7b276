"""TLS towards a server whose certificate is verified, and why it failed."""

import ssl

import trio


class NotSecured(Exception):
    """There is no TLS with the server; the message says why."""


async def secured(
    tcp: trio.SocketStream, context: ssl.SSLContext, host: str
) -> trio.SSLStream[trio.SocketStream]:
    """TLS over a connection, with a certificate that is valid for the host. Raises NotSecured."""
    stream = trio.SSLStream(tcp, context, server_hostname=host, https_compatible=True)
    try:
        await stream.do_handshake()
    except trio.BrokenResourceError as error:
        raise NotSecured(f"TLS: {_why(error.__cause__)}") from None
    return stream


def _why(cause: BaseException | None) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate is not valid: {cause.verify_message}"
    return str(cause or "the peer hung up")
