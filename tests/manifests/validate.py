"""Validation of objects against the schemas of Kubernetes, the Prometheus operator and KEDA, strictly.

kubernetes-validate has the schemas of Kubernetes. Those of the custom resources are the models that cloudcoil generates
from the operators' own definitions. All are packages whose hashes `requirements-dev.lock` pins.
"""

from __future__ import annotations

from functools import cache

import kubernetes_validate
from pydantic import BaseModel, ValidationError

from tests.manifests.render import Manifest

VERSION = "1.37"


@cache
def custom_models() -> dict[tuple[str, str], type[BaseModel]]:
    """Return the model of each kind of custom resource, by API version and kind."""
    # Imports of five seconds, in each process that only finds the tests.
    from cloudcoil.models.keda.v1alpha1 import ScaledObject
    from cloudcoil.models.prometheus_operator.v1 import PrometheusRule, ServiceMonitor

    return {
        ("keda.sh/v1alpha1", "ScaledObject"): ScaledObject,
        ("monitoring.coreos.com/v1", "PrometheusRule"): PrometheusRule,
        ("monitoring.coreos.com/v1", "ServiceMonitor"): ServiceMonitor,
    }


def problem_of(manifest: Manifest) -> str:
    """Return why an object is invalid, in one line; "" if it is valid."""
    where = f"{manifest['kind']} {manifest['metadata']['name']}"
    model = custom_models().get((manifest["apiVersion"], manifest["kind"]))
    try:
        if model is None:
            kubernetes_validate.validate(manifest, VERSION, strict=True)
        elif unknown := unknown_fields(manifest, model):
            return f"{where}: unknown {', '.join(unknown)}"
    except kubernetes_validate.ValidationError as error:
        return f"{where}: {'.'.join(map(str, error.path))}: {error.message}"
    except kubernetes_validate.SchemaNotFoundError as error:
        return f"{where}: {error.message}"
    except ValidationError as error:
        return f"{where}: " + "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return ""


def unknown_fields(manifest: Manifest, model: type[BaseModel]) -> list[str]:
    """Return the paths of fields that the model does not have: it accepts and drops them, or keeps them aside.

    Raises:
        ValidationError: the object does not fit the model.
    """
    kept = model.model_validate(manifest).model_dump(mode="json", by_alias=True, exclude_unset=True)
    return list(_missing(manifest, kept, ""))


def _missing(given: object, kept: object, path: str) -> list[str]:
    if isinstance(given, dict):
        if not isinstance(kept, dict):
            return [path]
        return [
            one
            for name, value in given.items()
            for one in ([f"{path}.{name}"] if name not in kept else _missing(value, kept[name], f"{path}.{name}"))
        ]
    if isinstance(given, list):
        if not isinstance(kept, list) or len(given) != len(kept):
            return [path]
        return [one for i, value in enumerate(given) for one in _missing(value, kept[i], f"{path}[{i}]")]
    return []
