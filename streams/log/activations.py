"""Sense of activations, in `hashtag-partials` and in progress records."""

from __future__ import annotations

import hashlib
import re

from streams.log.sense import absurd, require_range, require_tick
from streams.policy.activation import Activation

_REVISION = re.compile(r"[0-9a-f]{12}")


def check_activation(activation: Activation) -> Activation:
    """Return an activation; a policy of another version is lawful, since its revision is that of its text.

    Raises:
        ContractError: no worker can have written it.
    """
    revision = hashlib.sha256(activation.policy.encode()).hexdigest()[:12]
    if activation.revision != revision:
        raise absurd("revision", activation.revision, f"{revision}, that of the policy")
    return check_sequence(activation)


def check_sequence(activation: Activation) -> Activation:
    """Return an activation, whose policy may be left out.

    Raises:
        ContractError: no worker can have written it.
    """
    for field, revision in (("revision", activation.revision), ("model_revision", activation.model_revision)):
        if not _REVISION.fullmatch(revision):
            raise absurd(field, revision, "12 hex digits")
    require_range("sequence", activation.sequence, 0, 2**63 - 1)
    require_tick("from_tick_ms", activation.from_tick_ms)
    return activation
