"""A certificate of our own, made by openssl."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def make_certificate(path: Path, name: str = "localhost") -> Path:
    """Write a key and a certificate that it signed itself, for a host of this name."""
    subject = ("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}")
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    made = subprocess.run(
        ["openssl", "req", "-x509", *key, *subject, "-days", "2", "-keyout", "-", "-out", "-"],
        check=True,
        capture_output=True,
    )
    path.write_bytes(made.stdout)
    return path
