"""Logins of a secured local stack: certificates, and users with random passwords, kept in one folder."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from devkit.stack.certificates import Certificates
from streams.private_files import owner_only

ADMIN = "admin"
"""Super user of Kafka, and the user with all rights of Valkey."""
MECHANISM = "SCRAM-SHA-512"


class Logins:
    """Users of the servers, and how a client connects as one of them."""

    def __init__(self, folder: Path) -> None:
        self.certificates = Certificates(folder / "certificates")
        self._file = folder / "passwords.json"
        self._passwords: dict[str, str] = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}

    def password(self, user: str) -> str:
        """Return the password of a user; a new user gets a random one."""
        if user not in self._passwords:
            self._passwords[user] = secrets.token_hex(12)
            unfinished = self._file.with_suffix(".new")
            with open(unfinished, "w", opener=owner_only) as file:
                json.dump(self._passwords, file)
            unfinished.replace(self._file)
        return self._passwords[user]

    def kafka_settings(self, user: str = ADMIN) -> dict[str, str]:
        """Return the fields of `Settings` with which a client logs in to Kafka by password over TLS."""
        return {
            "kafka_security_protocol": "SASL_SSL",
            "kafka_ssl_cafile": str(self.certificates.ca_file),
            "kafka_sasl_mechanism": MECHANISM,
            "kafka_sasl_username": user,
            "kafka_sasl_password": self.password(user),
        }

    def mutual_tls_settings(self, user: str) -> dict[str, str]:
        """Return the fields of `Settings` with which a client logs in by its certificate."""
        file = str(self.certificates.issue(user))
        return {
            "kafka_security_protocol": "SSL",
            "kafka_ssl_cafile": str(self.certificates.ca_file),
            "kafka_ssl_certfile": file,
            "kafka_ssl_keyfile": file,
        }

    def admin_options(self) -> dict[str, object]:
        """Return the arguments with which kafka-python's admin client logs in as the super user."""
        import ssl

        return {
            "security_protocol": "SASL_SSL",
            "ssl_context": ssl.create_default_context(cafile=str(self.certificates.ca_file)),
            "sasl_mechanism": MECHANISM,
            "sasl_plain_username": ADMIN,
            "sasl_plain_password": self.password(ADMIN),
        }
