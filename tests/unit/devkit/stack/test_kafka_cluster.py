"""The settings of a cluster's nodes, without a broker."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest

from devkit.stack import KafkaCluster, Listener
from devkit.stack.certificates import Certificates
from devkit.stack.logins import Logins
from streams.settings import Settings


def lines(cluster: KafkaCluster, number: int) -> dict[str, str]:
    return cluster.nodes[number].properties()


@pytest.mark.parametrize(("brokers", "copies", "in_sync"), [(1, "1", "1"), (2, "2", "1"), (3, "3", "2"), (5, "3", "2")])
def test_replicas_follow_the_number_of_brokers(tmp_path: Path, brokers: int, copies: str, in_sync: str) -> None:
    found = lines(KafkaCluster(tmp_path, brokers=brokers), 0)
    assert (found["default.replication.factor"], found["min.insync.replicas"]) == (copies, in_sync)
    assert found["offsets.topic.replication.factor"] == copies


def test_first_three_brokers_are_controllers(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path, brokers=4)
    assert [lines(cluster, at)["process.roles"] for at in range(4)] == ["broker,controller"] * 3 + ["broker"]
    assert len({lines(cluster, at)["controller.quorum.voters"] for at in range(4)}) == 1
    assert lines(cluster, 0)["controller.quorum.voters"].count("@") == 3


def test_dedicated_controllers_leave_brokers_without_the_role(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path, brokers=2, controllers=1)
    assert [node.properties()["process.roles"] for node in cluster.nodes] == ["broker", "broker", "controller"]
    assert "advertised.listeners" not in lines(cluster, 2)
    assert cluster.node(101) is cluster.controllers[0]


def test_listener_advertises_its_proxy(tmp_path: Path) -> None:
    cluster = KafkaCluster(tmp_path, brokers=1)
    node = cluster.brokers[0]
    node.listeners["SLOT0"] = Listener(1111, advertised=2222)
    node.listeners["INTERNAL"].advertised = 3333
    found = node.properties()
    assert "SLOT0://127.0.0.1:1111" in found["listeners"]
    assert "SLOT0://127.0.0.1:2222" in found["advertised.listeners"]
    assert "INTERNAL://127.0.0.1:3333" in found["advertised.listeners"]
    assert cluster.bootstrap_of("SLOT0") == "127.0.0.1:2222"
    assert "SLOT0:PLAINTEXT" in found["listener.security.protocol.map"]


def test_secured_node_denies_what_no_rule_allows(tmp_path: Path) -> None:
    found = lines(KafkaCluster(tmp_path / "kafka", brokers=1, logins=Logins(tmp_path / "logins")), 0)
    assert found["allow.everyone.if.no.acl.found"] == "false"
    assert found["authorizer.class.name"].endswith("StandardAuthorizer")
    assert "CLIENT:SASL_SSL" in found["listener.security.protocol.map"]
    assert "PLAINTEXT" not in found["listener.security.protocol.map"]
    assert found["listener.name.mutual.ssl.client.auth"] == "required"


def test_certificates_and_passwords_are_kept(tmp_path: Path) -> None:
    first, again = Logins(tmp_path), Logins(tmp_path)
    assert first.password("ann") == Logins(tmp_path).password("ann") != first.password("ben")
    assert again.certificates.server_file.read_bytes() == first.certificates.server_file.read_bytes()
    for path in (first.certificates.issue("ann"), tmp_path / "passwords.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert first.certificates.issue("ann").read_text().startswith("-----BEGIN PRIVATE KEY-----")


def test_certificate_is_trusted_by_its_own_authority_alone(tmp_path: Path) -> None:
    certificates, other = Certificates(tmp_path / "a"), Certificates(tmp_path / "b")
    for trusted, works in ((certificates.ca_file, True), (other.ca_file, False)):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(certificates.server_file)
        assert _handshake(server, ssl.create_default_context(cafile=str(trusted))) == works


def test_logins_are_settings(tmp_path: Path) -> None:
    logins = Logins(tmp_path)
    assert Settings.model_validate(logins.kafka_settings("ann")).kafka_sasl_username == "ann"
    assert Settings.model_validate(logins.mutual_tls_settings("ann")).kafka_ssl_certfile == logins.certificates.issue(
        "ann"
    )


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> bool:
    """Return whether a client trusts a server, in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    two = server.wrap_bio(to_server, to_client, server_side=True)
    done = False
    for _ in range(4):
        for end in (one, two):
            try:
                end.do_handshake()
                done = done or end is one
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError:
                return False
    return done
