"""The server's certificate, which may be replaced while connections are open."""

from __future__ import annotations

import ssl
from pathlib import Path


class CertificateError(Exception):
    """The certificate can't be used; the message says which file and why."""

    def __init__(self, file: Path, reason: str) -> None:
        super().__init__(f"http.certificate {file} can't be used: {reason}")


class Certificate:
    """A PEM file with a chain and its key, as it was when it was last read."""

    def __init__(self, file: Path) -> None:
        """Blocks. Raises `CertificateError`."""
        self.file = file
        self._context = _context(file)

    @property
    def context(self) -> ssl.SSLContext:
        """What new connections are made with; those that there are keep theirs."""
        return self._context

    def reload(self) -> None:
        """Read the file anew; one that can't be used leaves things as they are.

        Blocks. Raises `CertificateError`.
        """
        self._context = _context(self.file)


def _context(file: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        # Without a password given, OpenSSL would ask for that of an encrypted key on the terminal.
        context.load_cert_chain(file, password="")
    except ssl.SSLError:
        expected = "expected a PEM file with a certificate chain and its key, not encrypted"
        raise CertificateError(file, expected) from None
    except OSError as error:
        raise CertificateError(file, error.strerror or str(error)) from None
    return context
