"""Rendered overlays against the code: commands, settings, probes, rights and sizes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer
import yaml  # type: ignore[import-untyped]

from moderation.access.login_settings import OidcConfig, SessionConfig, session_config
from streams.access.roles import BY_NAME
from streams.cli.main import make_app
from streams.settings import OTHER_VARIABLES, Settings
from tests.manifests.generated import KUBERNETES, outdated_files
from tests.manifests.render import OVERLAYS, Manifest, render, secrets
from tests.support.paths import ROOT

WORKLOADS = {"StatefulSet", "Deployment", "Job"}
PROCESSES = {"worker", "publish", "audit", "audit-publish", "notify", "api", "trends", "search", "topics"}
SECRET_KEYS = {
    "HUSHTAG_HASH_KEY": {"worker", "api"}, "HUSHTAG_AUDIT_KEY": {"audit"}, "HUSHTAG_NOTIFY_KEYS": {"notify"},
    "HUSHTAG_SESSION_KEY": {"api"}, "HUSHTAG_OIDC_CLIENT_SECRET": {"api"},
}  # fmt: skip
"""Keys that only some processes may have."""

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)


def of_kind(overlay: str, *kinds: str) -> Iterator[Manifest]:
    return (one for one in render(overlay) if one["kind"] in kinds)


def named(overlay: str, kind: str, name: str) -> Manifest:
    (found,) = (one for one in of_kind(overlay, kind) if one["metadata"]["name"] == name)
    return found


def workloads(overlay: str) -> dict[str, Manifest]:
    return {one["metadata"]["name"].removeprefix("hushtag-"): one for one in of_kind(overlay, *WORKLOADS)}


def pod(workload: Manifest) -> dict[str, Any]:
    spec: dict[str, Any] = workload["spec"]["template"]["spec"]
    return spec


def container(workload: Manifest) -> dict[str, Any]:
    (only,) = pod(workload)["containers"]
    assert isinstance(only, dict)
    return only


def settings_of(overlay: str) -> dict[str, str]:
    (found,) = (one for one in of_kind(overlay, "ConfigMap") if "HUSHTAG_KAFKA" in one["data"])
    data: dict[str, str] = found["data"]
    return data


def matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Return whether a label selector selects an object with these labels."""
    wanted = selector.get("matchLabels", {}).items() <= labels.items()
    for rule in selector.get("matchExpressions", ()):
        if rule["operator"] == "In":
            wanted = wanted and labels.get(rule["key"]) in rule["values"]
        else:
            assert rule["operator"] == "Exists"
            wanted = wanted and rule["key"] in labels
    return wanted


def test_every_process_has_a_workload(overlay: str) -> None:
    assert set(workloads(overlay)) == PROCESSES
    assert {one["metadata"].get("namespace", "hushtag") for one in render(overlay)} == {"hushtag"}


def test_arguments_parse_as_command(overlay: str) -> None:
    for name, workload in workloads(overlay).items():
        command, arguments = typer.main.get_command(make_app()), container(workload)["args"]
        context = command.make_context("hushtag", list(arguments), resilient_parsing=False)
        while hasattr(context.command, "resolve_command"):
            rest = [*context._protected_args, *context.args]
            if not rest and context.command.invoke_without_command:
                break
            chosen, command, rest = context.command.resolve_command(context, rest)
            assert command is not None, (name, arguments)
            context = command.make_context(chosen, list(rest), parent=context)


def test_pod_runs_restricted(overlay: str) -> None:
    for name, workload in workloads(overlay).items():
        spec, only = pod(workload), container(workload)
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, "Services named hushtag-* would set HUSHTAG_ variables"
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] == 10001
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert only["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        written = {one["mountPath"] for one in only["volumeMounts"] if not one.get("readOnly")}
        kept = {"/var/lib/hushtag-log"} if name == "audit-publish" else set()
        assert written == {"/tmp", "/var/lib/hushtag"} | kept
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert not any("hostPath" in one for one in spec["volumes"])


def test_image_is_pinned_and_user_is_the_images(overlay: str) -> None:
    users = re.findall(r"^USER (\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users == ["10001:10001"]
    for workload in workloads(overlay).values():
        assert re.fullmatch(r"hushtag:\d+\.\d+\.\d+", container(workload)["image"])


def test_probes_ask_paths_that_process_answers(overlay: str) -> None:
    for name, workload in workloads(overlay).items():
        only = container(workload)
        if workload["kind"] == "Job":
            continue
        (port,) = only["ports"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert only[probe]["httpGet"]["port"] == port["name"], name
        assert only["startupProbe"]["httpGet"]["path"] == only["livenessProbe"]["httpGet"]["path"] == "/healthz"
        assert only["readinessProbe"]["httpGet"]["path"] == "/readyz", name
        waits = only["startupProbe"]["periodSeconds"] * only["startupProbe"]["failureThreshold"]
        assert waits >= 2 * Settings().start_deadline_seconds, "Kafka and Redis may take so long"


def test_pods_have_memory_guaranteed_and_no_processor_limit(overlay: str) -> None:
    for workload in workloads(overlay).values():
        resources = container(workload)["resources"]
        assert resources["limits"] == {"memory": resources["requests"]["memory"]}
        assert "cpu" in resources["requests"]


def test_ports_are_those_of_settings_and_arguments(overlay: str) -> None:
    for name, workload in workloads(overlay).items():
        for port in container(workload).get("ports", ()):
            number = str(port["containerPort"])
            if port["name"] == "metrics":
                assert number == settings_of(overlay)["HUSHTAG_METRICS_PORT"], name
            else:
                arguments = container(workload)["args"]
                assert arguments[arguments.index("--port") + 1] == number


def test_settings_are_valid(overlay: str) -> None:
    given = settings_of(overlay)
    known = {f"HUSHTAG_{field.upper()}": field for field in Settings.model_fields}
    assert set(given) <= set(known)
    Settings.model_validate({known[name]: value for name, value in given.items()})
    assert given["HUSHTAG_KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL"


def test_each_process_has_its_own_secret(overlay: str) -> None:
    made = {one["metadata"]["name"]: one for one in secrets()}
    known = {f"HUSHTAG_{field.upper()}" for field in Settings.model_fields} | set(OTHER_VARIABLES)
    for name, workload in workloads(overlay).items():
        given = [one["secretRef"]["name"] for one in container(workload)["envFrom"] if "secretRef" in one]
        assert given == [f"hushtag-{name}"]
        keys = set(made[given[0]]["stringData"])
        assert keys <= known
        assert {"HUSHTAG_KAFKA_SASL_USERNAME", "HUSHTAG_KAFKA_SASL_PASSWORD"} <= keys
        for key, processes in SECRET_KEYS.items():
            assert (key in keys) == (name in processes), (key, name)


def test_secret_names_roles_and_has_redis_where_they_need_it(overlay: str) -> None:
    made = {one["metadata"]["name"].removeprefix("hushtag-"): one for one in secrets()}
    for name, workload in workloads(overlay).items():
        roles = [BY_NAME[role] for role in made[name]["metadata"]["annotations"]["hushtag-roles"].split(",")]
        assert ("HUSHTAG_REDIS_URL" in made[name]["stringData"]) == any(role.redis for role in roles), name
        arguments = container(workload)["args"]
        assert all(any(word in role.runs for word in arguments) for role in roles)


def test_mounted_config_maps_and_secrets_exist(overlay: str) -> None:
    made = {(one["kind"], one["metadata"]["name"]) for one in (*render(overlay), *secrets())}
    for workload in workloads(overlay).values():
        for volume in pod(workload)["volumes"]:
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in made
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in made
        for source in container(workload)["envFrom"]:
            if "configMapRef" in source:
                assert ("ConfigMap", source["configMapRef"]["name"]) in made


def test_policy_keeps_its_name_and_is_mounted_as_folder(overlay: str) -> None:
    policy = named(overlay, "ConfigMap", "hushtag-policy")
    assert policy["data"] == {"policy.yaml": (ROOT / "config" / "policy.yaml").read_text("utf-8")}
    for name in ("worker", "publish", "api", "topics"):
        mounts = container(workloads(overlay)[name])["volumeMounts"]
        (mount,) = (one for one in mounts if one["name"] == "policy")
        assert settings_of(overlay)["HUSHTAG_POLICY"] == f"{mount['mountPath']}/policy.yaml"
        assert "subPath" not in mount


def test_workers_have_pod_name_as_instance_id(overlay: str) -> None:
    worker = workloads(overlay)["worker"]
    assert worker["kind"] == "StatefulSet"
    assert worker["spec"]["podManagementPolicy"] == "Parallel"
    (variable,) = container(worker)["env"]
    assert variable["name"] == "HUSHTAG_INSTANCE_ID"
    assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert "env" not in container(workloads(overlay)["publish"]), "names of its pods change: no static member"


def test_one_audit_writer_and_one_publisher_with_a_kept_folder(overlay: str) -> None:
    audit, publisher = workloads(overlay)["audit"], workloads(overlay)["audit-publish"]
    for one in (audit, publisher):
        assert (one["kind"], one["spec"]["replicas"]) == ("StatefulSet", 1)
    (claim,) = publisher["spec"]["volumeClaimTemplates"]
    (mount,) = (one for one in container(publisher)["volumeMounts"] if one["name"] == claim["metadata"]["name"])
    arguments = container(publisher)["args"]
    assert arguments[arguments.index("--to") + 1].startswith(mount["mountPath"] + "/")


def test_workers_never_outnumber_shards(overlay: str) -> None:
    shards, worker = int(settings_of(overlay)["HUSHTAG_SHARDS"]), workloads(overlay)["worker"]
    scaled = list(of_kind(overlay, "ScaledObject"))
    if overlay == "small":
        assert not scaled
        assert worker["spec"]["replicas"] <= shards
        return
    (only,) = scaled
    assert "replicas" not in worker["spec"], "an apply would undo the scaling"
    assert only["spec"]["scaleTargetRef"]["name"] == worker["metadata"]["name"]
    assert 1 < only["spec"]["minReplicaCount"] <= only["spec"]["maxReplicaCount"] <= shards
    behavior = only["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    session = Settings().session_timeout_seconds
    for direction in ("scaleUp", "scaleDown"):
        assert behavior[direction]["stabilizationWindowSeconds"] >= 10 * session
        assert all(one["value"] == 1 for one in behavior[direction]["policies"])
    for name in ("publish", "api", "trends", "search"):
        assert workloads(overlay)[name]["spec"]["replicas"] >= 2


def test_every_selector_selects_a_pod(overlay: str) -> None:
    labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in workloads(overlay).items()}
    budgets = set()
    for one in render(overlay):
        match one["kind"]:
            case "Service":
                selector = {"matchLabels": one["spec"]["selector"]}
            case "PodDisruptionBudget":
                selector = one["spec"]["selector"]
            case "NetworkPolicy":
                selector = one["spec"]["podSelector"]
            case _:
                continue
        found = [name for name, given in labels.items() if matches(selector, given)]
        assert found, one["metadata"]["name"]
        if one["kind"] != "NetworkPolicy":
            assert found == [one["metadata"]["name"].removeprefix("hushtag-").removesuffix("-metrics")]
            budgets |= set(found) if one["kind"] == "PodDisruptionBudget" else set()
    assert budgets == PROCESSES - {"topics"}


def test_network_is_closed_but_for_listed_ports(overlay: str) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(overlay, "NetworkPolicy")}
    closed = policies.pop("hushtag-deny")
    assert set(closed["policyTypes"]) == {"Ingress", "Egress"} and not {"ingress", "egress"} & set(closed)
    labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in workloads(overlay).items()}
    assert all(matches(closed["podSelector"], one) for one in labels.values())
    for spec in policies.values():
        assert all(rule.get("ports") for rule in (*spec.get("ingress", ()), *spec.get("egress", ())))
        assert all(rule.get("from") for rule in spec.get("ingress", ())), "from a namespace, never from all"
    reach = {name for name, one in labels.items() if matches(policies["hushtag-redis"]["podSelector"], one)}
    made = {one["metadata"]["name"]: one for one in secrets()}
    logged_in = {name for name in labels if "HUSHTAG_REDIS_URL" in made[f"hushtag-{name}"]["stringData"]}
    assert reach == logged_in


def test_api_reaches_its_identity_provider(overlay: str) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in of_kind(overlay, "NetworkPolicy")}
    labels = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in workloads(overlay).items()}
    spec = policies["hushtag-api-https"]
    assert [name for name, one in labels.items() if matches(spec["podSelector"], one)] == ["api"]
    assert {"protocol": "TCP", "port": 443} in spec["egress"][0]["ports"]


def test_login_is_on_once_its_address_is_set(overlay: str) -> None:
    (secret,) = (one for one in secrets() if one["metadata"]["name"] == "hushtag-api")
    given = settings_of(overlay) | secret["stringData"] | {"HUSHTAG_SESSION_KEY": "k" * 64}
    given |= {name: "" for name in given if "KAFKA" in name and name != "HUSHTAG_KAFKA"}
    login = {"HUSHTAG_PUBLIC_URL": "https://mod.example"}
    provider = {"HUSHTAG_OIDC_ISSUER": "https://id.example", "HUSHTAG_OIDC_CLIENT_ID": "hushtag"}

    def config_with(more: dict[str, str]) -> SessionConfig | None:
        fields = {name.removeprefix("HUSHTAG_").lower(): value for name, value in (given | more).items() if value}
        return session_config(Settings.model_validate(fields))

    assert {*login, *provider} <= set(settings_of(overlay)), "the operator finds them there"
    assert config_with({}) is None
    assert type(config_with(login)) is SessionConfig and isinstance(config_with(login | provider), OidcConfig)


def test_monitor_gives_jobs_that_alerts_name(overlay: str) -> None:
    (monitor,) = of_kind(overlay, "ServiceMonitor")
    services = [
        one for one in of_kind(overlay, "Service") if matches(monitor["spec"]["selector"], one["metadata"]["labels"])
    ]
    jobs = {one["metadata"]["labels"][monitor["spec"]["jobLabel"]] for one in services}
    (rule,) = of_kind(overlay, "PrometheusRule")
    assert set(re.findall(r'job="([^"]+)"', str(rule["spec"]))) <= jobs
    ports = {port["name"] for one in services for port in one["spec"]["ports"]}
    assert {one["port"] for one in monitor["spec"]["endpoints"]} == ports
    measured = {name for name, one in workloads(overlay).items() if "metrics" in str(container(one).get("ports"))}
    assert {one["spec"]["selector"]["app.kubernetes.io/component"] for one in services} == measured | {"api"}


def test_alerts_are_those_of_prometheus(overlay: str) -> None:
    (rule,) = of_kind(overlay, "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((ROOT / "config" / "prometheus" / "alerts.yml").read_text("utf-8"))
    assert not outdated_files(), "python -m tests.manifests --write"


def test_topics_have_as_many_partitions_as_workers(overlay: str) -> None:
    arguments = container(workloads(overlay)["topics"])["args"]
    assert arguments[arguments.index("--replicas") + 1] == "3"
    for scaled in of_kind(overlay, "ScaledObject"):
        assert int(arguments[arguments.index("--partitions") + 1]) >= scaled["spec"]["maxReplicaCount"]


def test_no_secret_is_part_of_overlay(overlay: str) -> None:
    assert not list(of_kind(overlay, "Secret"))
    assert "secrets.example.yaml" not in (KUBERNETES / "base" / "kustomization.yaml").read_text()
