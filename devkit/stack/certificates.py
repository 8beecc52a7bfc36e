"""Certificates of a secured local stack: its own authority, the servers' certificate, and clients' ones.

The files are made once per folder by trustme and kept. Keys are in PKCS 8, the only form that Kafka reads.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devkit.stack.errors import StackMistake
from streams.private_files import PRIVATE_FOLDER, owner_only

if TYPE_CHECKING:
    import trustme

BROKER = "broker"
"""Common name of the servers' certificate, which is the principal of the brokers among each other."""


class Certificates:
    """Authority of one folder, with the certificates that it has issued.

    >>> certificates = Certificates(Path(".cache/stack/certificates"))  # doctest: +SKIP
    >>> certificates.issue("worker")  # certificate and key in one file, for Kafka over mutual TLS  # doctest: +SKIP
    PosixPath('.cache/stack/certificates/worker.pem')
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        self.ca_file = self.folder / "ca.pem"
        """The authority's certificate, which clients trust."""
        self.server_file = self.issue(BROKER)
        """Certificate and key of the servers, for 127.0.0.1 and localhost."""

    def issue(self, name: str) -> Path:
        """Return the file with the certificate and key of a name; issue them if they do not exist."""
        path = self.folder / f"{name}.pem"
        if not path.exists():
            leaf = self._authority().issue_cert("127.0.0.1", "localhost", common_name=name)
            chain = b"".join(part.bytes() for part in leaf.cert_chain_pems)
            _write(path, _pkcs8(leaf.private_key_pem.bytes()) + chain)
        return path

    def _authority(self) -> trustme.CA:
        try:
            import trustme
        except ModuleNotFoundError:
            raise StackMistake(
                "a secured stack needs the package trustme", fix="pip install 'hushtag[devkit]'"
            ) from None
        key_file = self.folder / "ca.key"
        if key_file.exists():
            return trustme.CA.from_pem(self.ca_file.read_bytes(), key_file.read_bytes())
        authority = trustme.CA()
        _write(self.ca_file, authority.cert_pem.bytes())
        _write(key_file, authority.private_key_pem.bytes())
        return authority


def _pkcs8(key_pem: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key(key_pem, password=None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_suffix(".new")
    with open(unfinished, "wb", opener=owner_only) as file:
        file.write(content)
    unfinished.replace(path)
