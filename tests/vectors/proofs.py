"""Vectors of proofs: published files that verify, and every kind of forgery, with the answer of a verifier."""

from __future__ import annotations

from typing import Any

from tests.support.proof_world import LOG_KEY, NAME, WITNESS_KEYS, world
from tests.vectors.encoded import encoded
from tests.vectors.forged_proofs import forged_cases
from tests.vectors.forged_reports import forged_report_cases
from tests.vectors.good_proofs import good_cases, report_cases
from tests.vectors.wording import words

ABOUT = (
    f"Files of the log {NAME} and what a verifier answers. A case of `proofs` is a statement, a reply or a proof file: "
    "`file`, or its JSON as `text`. A case of `reports` is a report with its openings and the published log: `log` "
    "names one of `logs` (path: content in base64), `changes` replaces files of it (null: the file is missing), and "
    "`opening_changes` replaces lines of `openings` (null: the line is missing). `log_key`, `witness_keys` and "
    "`quorum` are the checker's keys, where they differ from those of `keys`; a list as `log_key`: keys of one log, of "
    "which one must have signed. Keys of one name are one witness. `seen` is the checkpoint that the checker saw "
    "before, `publication` the proof of a report's publication. `code` is null for a file that verifies, with its "
    "`answer`; `caller_mistake` if the keys cannot be used; otherwise the reason, with the name of the `field` or "
    "number that does not verify. `words` says how the words of a statement follow from its `restriction`. The keys "
    "are no secrets: they are hashes of words."
)


def proofs() -> dict[str, Any]:
    """Build the vectors."""
    return {
        "about": ABOUT,
        "words": words(),
        "keys": {"log_key": LOG_KEY, "witness_keys": list(WITNESS_KEYS)},
        "proofs": [*good_cases(), *forged_cases()],
        "logs": {"published": encoded(world().files())},
        "openings": world().opening_lines(),
        "reports": [*report_cases(), *forged_report_cases()],
    }
