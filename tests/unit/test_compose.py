"""Consistency of docker-compose.yml, Dockerfile, Prometheus and Grafana, checked without an engine."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml  # type: ignore[import-untyped]

from moderation.access.keys import ROLES, KeyRing
from moderation.access.login_settings import OidcConfig, SessionConfig, session_config
from streams.errors import SettingsError
from streams.settings import OTHER_VARIABLES, Settings
from tests.support.command_line import command as hushtag
from tests.support.compose import render_services, run_documented_commands
from tests.support.metric_queries import known_names, metric_sets, names_in
from tests.support.paths import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"topics"}
KNOWN_KEYS = {
    "build", "cap_drop", "command", "depends_on", "environment", "healthcheck", "hostname", "image", "networks",
    "ports", "profiles", "read_only", "restart", "security_opt", "stop_grace_period", "tmpfs", "volumes",
}  # fmt: skip
PINNED = re.compile(r"^[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?[a-z0-9.-]*$")


@pytest.mark.parametrize("name", SERVICES)
def test_service_is_pinned_and_supervised(name: str) -> None:
    service = SERVICES[name]
    assert set(service) <= KNOWN_KEYS
    assert PINNED.match(service["image"]), "pinned to a version, never latest"
    for port in service.get("ports", ()):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), "loopback only"
    if name in ONE_SHOT:
        assert service["restart"] == "no"
        assert service["healthcheck"] == {"disable": True}
    else:
        assert service["restart"] == "unless-stopped"
        check = service["healthcheck"]
        assert check["test"][0] == "CMD"
        assert {"interval", "timeout", "retries"} <= set(check)


def test_all_services_are_present() -> None:
    assert set(SERVICES) == {
        "kafka", "valkey", "topics", "worker", "audit", "audit-publish", "notify", "api", "idp", "trends", "search",
        "prometheus", "alertmanager", "grafana",
    }  # fmt: skip
    images = {name: service["image"] for name, service in SERVICES.items()}
    assert images["kafka"] == "apache/kafka:4.3.1"
    assert images["valkey"].startswith("valkey/valkey:9.")


def test_services_start_in_order() -> None:
    for name, service in SERVICES.items():
        for other, how in service.get("depends_on", {}).items():
            assert other in SERVICES, name
            condition = how["condition"]
            if condition == "service_healthy":
                assert "test" in SERVICES[other]["healthcheck"]
            elif condition == "service_completed_successfully":
                assert other in ONE_SHOT
            else:
                assert condition == "service_started"
    conditions = {other: how["condition"] for other, how in SERVICES["worker"]["depends_on"].items()}
    assert conditions == {"topics": "service_completed_successfully", "valkey": "service_healthy"}
    assert SERVICES["topics"]["depends_on"]["kafka"]["condition"] == "service_healthy"


def test_every_mounted_file_and_volume_exists() -> None:
    used = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", ()):
            source, target, *mode = volume.split(":")
            assert target.startswith("/")
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert mode == ["ro"], volume
            else:
                used.add(source)
    assert used == set(COMPOSE["volumes"])


def test_worker_variables_are_known_settings() -> None:
    known = {f"HUSHTAG_{field.upper()}" for field in Settings.model_fields}
    for name in ("topics", "worker", "audit", "audit-publish", "notify"):
        service = SERVICES[name]
        assert set(service["environment"]) <= known
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        environment = service["environment"]
        assert environment["HUSHTAG_KAFKA"].partition(":")[0] in SERVICES
        assert re.search(r"//(\w+):", environment["HUSHTAG_REDIS_URL"])[1] in SERVICES  # type: ignore[index]
        policy = Path(environment["HUSHTAG_POLICY"])
        mounted = next(volume for volume in service["volumes"] if volume.split(":")[1] == str(policy.parent))
        assert (ROOT / mounted.split(":")[0] / policy.name).is_file()
    environment = SERVICES["worker"]["environment"]
    values = {
        field: environment[f"HUSHTAG_{field.upper()}"]
        for field in ("kafka", "redis_url", "policy", "metrics_host", "metrics_port")
    }
    assert Settings.model_validate(values).kafka == "kafka:19092"


def test_only_audit_service_has_the_audit_key() -> None:
    having = {name for name, service in SERVICES.items() if "HUSHTAG_AUDIT_KEY" in service.get("environment", {})}
    assert having == {"audit"}


def test_proofs_read_the_folder_that_is_published() -> None:
    publisher, api = SERVICES["audit-publish"], SERVICES["api"]
    folder = publisher["command"][publisher["command"].index("--to") + 1]
    assert api["environment"]["HUSHTAG_AUDIT_FOLDER"] == folder
    mounts = [dict(one.split(":")[:2] for one in service["volumes"]) for service in (publisher, api)]
    assert mounts[0]["audit-log"] == mounts[1]["audit-log"] == str(Path(folder).parent)
    assert f" {Path(folder).parent}\n" in (ROOT / "Dockerfile").read_text(), "a volume inherits its owner"


@pytest.mark.parametrize("name", ["api", "trends", "search"])
def test_service_listens_on_its_published_port(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    subcommand, *options = service["command"]
    found = hushtag().commands[subcommand]
    given = found.make_context(subcommand, options).params
    assert given["host"] == "0.0.0.0"
    assert service["ports"] == [f"127.0.0.1:{given['port']}:{given['port']}"]
    assert f"http://127.0.0.1:{given['port']}/healthz" in service["healthcheck"]["test"][-1]
    assert set(service["environment"]) <= {f"HUSHTAG_{field.upper()}" for field in Settings.model_fields} | set(
        OTHER_VARIABLES
    )


def test_api_admits_no_key_by_default() -> None:
    command = SERVICES["api"]["command"]
    keys = Path(command[command.index("--keys") + 1])
    mounted = next(one for one in SERVICES["api"]["volumes"] if one.split(":")[1] == str(keys.parent))
    ring = KeyRing(ROOT / mounted.split(":")[0] / keys.name)
    assert not ring.open
    assert ring.find("") is None


def test_no_secret_has_a_default() -> None:
    asked = {}
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"KEY|PASSWORD|TOKEN|SECRET", variable):
                match = re.fullmatch(r"\$\{(\w+):?(\?|-)(.*)\}", str(value))
                assert match, f"{variable} is written into the file"
                asked[match[1]] = match[2], match[3]
    required = {name for name, (kind, text) in asked.items() if kind == "?" and "set it" in text}
    assert required == {
        "HUSHTAG_HASH_KEY", "HUSHTAG_AUDIT_KEY", "HUSHTAG_AUDIT_LOG_KEY", "HUSHTAG_SESSION_KEY",
        "GRAFANA_ADMIN_PASSWORD",
    }  # fmt: skip
    optional = {name: text for name, (kind, text) in asked.items() if kind == "-"}
    assert optional == {"HUSHTAG_AUDIT_OTHER_KEYS": "", "HUSHTAG_NOTIFY_KEYS": "", "HUSHTAG_OIDC_CLIENT_SECRET": ""}


@dataclass(frozen=True, slots=True)
class Documented:
    """What the documented commands wrote into a folder: variables, and what they printed."""

    folder: Path
    variables: dict[str, str]
    printed: str


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Documented:
    folder = tmp_path_factory.mktemp("documented")
    return Documented(folder, *run_documented_commands(folder))


def test_documented_commands_make_every_secret_and_account(documented: Documented) -> None:
    variables, printed = documented.variables, documented.printed
    assert (documented.folder / ".env").stat().st_mode & 0o777 == 0o600
    services = render_services(variables)
    assert set(services) == set(SERVICES)
    passwords = dict(line.split() for line in printed.splitlines())
    dex = yaml.safe_load((ROOT / "config/dex/config.yaml").read_text())
    assert set(passwords) == {one["email"] for one in dex["staticPasswords"]}
    for account in dex["staticPasswords"]:
        hashed = services["idp"]["environment"][account["hashFromEnv"]]
        assert re.match(r"\$2b\$1[0-9]\$", hashed), "bcrypt, which Dex reads"
        assert bcrypt_hash(passwords[account["email"]], hashed) == hashed
        assert passwords[account["email"]] not in str(variables), "only its hash is kept"
        assert [account["username"]] == account["groups"] == [account["preferredUsername"]]
        assert account["groups"][0] in ROLES


def bcrypt_hash(password: str, salt: str) -> str:
    code = "import crypt, sys; print(crypt.crypt(*sys.argv[1:]))"
    command = [sys.executable, "-W", "ignore", "-c", code, password, salt]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_api_and_provider_of_the_profile_fit(documented: Documented) -> None:
    services = render_services(documented.variables)
    api, dex = services["api"]["environment"], yaml.safe_load((ROOT / "config/dex/config.yaml").read_text())
    fields = {name.removeprefix("HUSHTAG_").lower(): value for name, value in api.items()}
    config = session_config(Settings.model_validate(fields))
    assert isinstance(config, OidcConfig) and config.issuer == dex["issuer"]
    (client,) = dex["staticClients"]
    assert client["id"] == config.client_id and client["redirectURIs"] == [config.redirect_uri]
    assert services["idp"]["environment"][client["secretEnv"]] == config.client_secret != ""
    assert {"openid", "groups", "offline_access"} <= set(config.scopes.split()), "roles, and a session of hours"
    issuer = urlsplit(config.issuer)
    assert issuer.hostname in services["idp"]["networks"]["default"]["aliases"]
    assert dex["web"]["http"] == f"0.0.0.0:{issuer.port}"
    assert services["idp"]["ports"] == [f"127.0.0.1:{issuer.port}:{issuer.port}"]
    assert f"http://127.0.0.1:{issuer.port}{issuer.path}/healthz" in services["idp"]["healthcheck"]["test"]
    with pytest.raises(SettingsError, match="without TLS"):
        session_config(Settings.model_validate(fields | {"public_url": "https://moderation.example.org"}))


def test_without_its_profile_there_is_no_provider() -> None:
    variables = dict.fromkeys(re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text()), "x" * 64)
    services = render_services(variables)
    assert "idp" not in services
    fields = {name.removeprefix("HUSHTAG_").lower(): value for name, value in services["api"]["environment"].items()}
    assert type(session_config(Settings.model_validate(fields))) is SessionConfig, "keys alone"


def test_kafka_is_one_kraft_node() -> None:
    environment = {key: str(value) for key, value in SERVICES["kafka"]["environment"].items()}
    padded = environment["CLUSTER_ID"] + "=" * (-len(environment["CLUSTER_ID"]) % 4)
    assert len(base64.urlsafe_b64decode(padded)) == 16
    protocols = dict(part.split(":") for part in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    listeners = dict(part.split("://") for part in environment["KAFKA_LISTENERS"].split(","))
    advertised = dict(part.split("://") for part in environment["KAFKA_ADVERTISED_LISTENERS"].split(","))
    assert set(listeners) == set(protocols)
    assert set(advertised) == set(listeners) - {environment["KAFKA_CONTROLLER_LISTENER_NAMES"]}
    assert environment["KAFKA_INTER_BROKER_LISTENER_NAME"] in advertised
    for name, address in advertised.items():
        assert address.endswith(listeners[name]), "advertised on the port that it listens on"
    assert environment["KAFKA_CONTROLLER_QUORUM_VOTERS"] == (
        f"{environment['KAFKA_NODE_ID']}@kafka{listeners['CONTROLLER']}"
    )
    assert environment["KAFKA_AUTO_CREATE_TOPICS_ENABLE"] == "false"
    assert all(value == "1" for key, value in environment.items() if key.endswith("REPLICATION_FACTOR"))
    host_port = advertised["HOST"].rpartition(":")[2]
    assert SERVICES["kafka"]["ports"] == [f"127.0.0.1:{host_port}:{host_port}"]


def test_valkey_evicts_nothing() -> None:
    command = SERVICES["valkey"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def dockerfile() -> list[list[str]]:
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [line.split(maxsplit=1) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def test_dockerfile_installs_locked_packages_as_user() -> None:
    steps = dockerfile()
    bases = [rest.split()[0] for word, rest in steps if word == "FROM"]
    assert bases
    assert all(PINNED.match(base) and base.startswith("python:3.11.") and "-slim" in base for base in bases)
    words = [word for word, _ in steps]
    final = steps[len(words) - 1 - words[::-1].index("FROM") :]
    users = [rest for word, rest in final if word == "USER"]
    assert users == ["10001:10001"], "not root, and by number, so that Kubernetes can check it"
    after_user = [word for word, _ in final[[word for word, _ in final].index("USER") :]]
    assert "RUN" not in after_user
    assert any("--uid 10001" in rest for word, rest in final if word == "RUN")
    assert any(word == "HEALTHCHECK" for word, _ in final)
    build = steps[: len(words) - 1 - words[::-1].index("FROM")]
    kernels = [{rest for word, rest in stage if word == "ARG"} for stage in (build, final)]
    assert "NUMBA_CPU_NAME" in kernels[0] & kernels[1]
    for stage in (build, final):
        given = " ".join(rest for word, rest in stage if word == "ENV").split()
        assert {"NUMBA_CPU_NAME=$NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES="} <= set(given), "equal in both stages"
        assert not any(one.startswith("NUMBA_CACHE_DIR") for one in given), "beside the code, which is read-only"
    assert build[-1] == ["RUN", "/opt/hushtag/bin/hushtag warm-up"]
    assert any("--require-hashes --requirement requirements.lock" in rest for _, rest in steps)
    assert ["ENTRYPOINT", '["hushtag"]'] in final
    ignored = (ROOT / ".dockerignore").read_text().split()
    for word, rest in steps:
        if word == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert f"!{source.removeprefix('./')}" in ignored, f"{source} does not get into the build"


def test_health_checks_call_installed_commands() -> None:
    (program,) = re.findall(r"> (/usr/local/bin/\S+)", (ROOT / "Dockerfile").read_text())
    assert SERVICES["worker"]["healthcheck"]["test"][1] == Path(program).name


# --- Prometheus and Grafana -------------------------------------------------------------------------------------------

PROMETHEUS = yaml.safe_load((ROOT / "config/prometheus/prometheus.yml").read_text())
ALERTS = yaml.safe_load((ROOT / "config/prometheus/alerts.yml").read_text())
DASHBOARD = json.loads((ROOT / "config/grafana/dashboards/hushtag.json").read_text())
LABELS = {"job", "instance", "le"}


def queries() -> Iterator[tuple[str, str]]:
    """Yield where it stands, and the expression, of every query of alerts and dashboard."""
    for group in ALERTS["groups"]:
        for rule in group["rules"]:
            yield f"alert {rule['alert']}", rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield f"panel {panel['title']}", target["expr"]
    for mark in DASHBOARD["annotations"]["list"]:
        yield f"annotation {mark['name']}", mark["expr"]
    for variable in DASHBOARD["templating"]["list"]:
        yield f"variable {variable['name']}", label_values(variable)[0]


def label_values(variable: dict[str, Any]) -> tuple[str, str]:
    """Return the series and the label of a variable's query."""
    match = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
    assert match, variable["name"]
    return match[1], match[2]


def test_query_names_are_parsed() -> None:
    query = 'sum by (le, shard) (rate(a_bucket{x="{b}",y=~"c"}[5m])) > 0.05 * time() - max(d_total) and up'
    assert names_in(query) == ({"a_bucket", "d_total", "up"}, {"le", "shard", "x", "y"})


@pytest.mark.parametrize(("where", "query"), list(queries()))
def test_query_uses_existing_metrics(where: str, query: str) -> None:
    names, labels = names_in(query)
    assert names, where
    assert names <= known_names(), where
    assert query.count("(") == query.count(")")
    known = {
        label
        for collector in (collector for one in metric_sets() for collector in vars(one).values())
        if hasattr(collector, "_labelnames")
        for label in collector._labelnames
    }
    assert labels <= known | LABELS | {"revision"}, where


def test_every_metric_is_on_dashboard_or_alert() -> None:
    """The metrics without a panel or an alert are listed here."""
    asked = set().union(*(names_in(query)[0] for _, query in queries()))
    families = [family for one in metric_sets() for family in one.registry.collect()]
    ours = {family.name for family in families if family.name.startswith("hushtag_")}
    unseen = {name for name in ours if not any(one == name or one.startswith(f"{name}_") for one in asked)}
    assert unseen <= {"hushtag_late_compilations", "hushtag_partial_records", "hushtag_shadow"}


def test_alerts_have_severity_summary_and_description() -> None:
    names = [rule["alert"] for group in ALERTS["groups"] for rule in group["rules"]]
    assert len(names) == len(set(names))
    for group in ALERTS["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"page", "ticket"}
            assert rule["annotations"]["summary"]
            assert rule["annotations"]["description"]


def test_prometheus_scrapes_every_program_with_metrics() -> None:
    jobs = {scrape["job_name"]: scrape["dns_sd_configs"][0] for scrape in PROMETHEUS["scrape_configs"]}
    assert {job: discovery["names"] for job, discovery in jobs.items()} == {
        "hushtag": ["worker"], "hushtag-audit": ["audit"], "hushtag-audit-publish": ["audit-publish"],
        "hushtag-notify": ["notify"], "hushtag-api": ["api"],
    }  # fmt: skip
    for discovery in jobs.values():
        service, port = SERVICES[discovery["names"][0]], discovery["port"]
        if discovery["names"] == ["api"]:  # its metrics are beside its routes
            assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
        else:
            assert str(port) == service["environment"]["HUSHTAG_METRICS_PORT"]
    for rules in PROMETHEUS["rule_files"]:
        assert (ROOT / "config/prometheus" / Path(rules).name).is_file()


def test_prometheus_sends_alerts_to_alertmanager() -> None:
    (alertmanager,) = PROMETHEUS["alerting"]["alertmanagers"]
    (target,) = alertmanager["static_configs"][0]["targets"]
    host, _, port = target.partition(":")
    assert SERVICES[host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    (config,) = [one.partition("=")[2] for one in SERVICES[host]["command"] if one.startswith("--config.file=")]
    mounts = dict(volume.split(":")[1::-1] for volume in SERVICES[host]["volumes"])
    assert (ROOT / mounts[str(Path(config).parent)] / Path(config).name).is_file()


def test_grafana_is_provisioned() -> None:
    provisioning = ROOT / "config/grafana/provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    host, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()  # type: ignore[union-attr]
    assert SERVICES[host]["ports"] == [f"127.0.0.1:{port}:{port}"]
    (provider,) = yaml.safe_load((provisioning / "dashboards/hushtag.yml").read_text())["providers"]
    mounts = dict(volume.split(":")[1::-1] for volume in SERVICES["grafana"]["volumes"])
    assert (ROOT / mounts[provider["options"]["path"]] / "hushtag.json").is_file()
    for panel in DASHBOARD["panels"]:
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == source["uid"]
            assert panel["targets"]


def test_dashboard_variables_filter_every_panel_of_workers() -> None:
    variables = {one["name"]: one for one in DASHBOARD["templating"]["list"]}
    assert list(variables) == ["prefix", "instance", "shard"]
    for number, (name, variable) in enumerate(variables.items()):
        assert variable["multi"] and variable["includeAll"]
        series, label = label_values(variable)
        assert label == name
        assert set(re.findall(r"\$(\w+)", series)) <= set(list(variables)[:number]), "only variables before it"
    of_shards = {
        collector._name
        for collector in vars(metric_sets()[0]).values()
        if "shard" in getattr(collector, "_labelnames", ())
    }
    for where, query in queries():
        if where.startswith(("panel", "annotation")):
            for name, labels in re.findall(r"\b(hushtag_\w+)(\{[^}]*\})?", query):
                if not name.startswith(("hushtag_audit_", "hushtag_notify_", "hushtag_api_", "hushtag_shadow_")):
                    assert 'instance=~"$instance"' in labels, where
                    assert (name not in of_shards) or 'shard=~"$shard"' in labels, where


def test_dashboard_marks_policy_and_model_changes() -> None:
    marks = {names_in(one["expr"])[0].pop(): one for one in DASHBOARD["annotations"]["list"]}
    assert set(marks) == {"hushtag_policy_info", "hushtag_model_info"}
    for mark in marks.values():
        assert mark["enable"] and mark["target"]["expr"] == mark["expr"] and mark["textFormat"] == "{{revision}}"


def test_dashboard_panels_do_not_overlap() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
