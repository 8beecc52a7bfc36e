"""Reasons for which a proof, a checkpoint or a published log does not verify."""

from __future__ import annotations

from enum import StrEnum

from streams.errors import EXIT_NO, HushtagError


class ProofCode(StrEnum):
    """Closed set of reasons; the same words in every verifier and in docs/vectors/proofs.json."""

    malformed = "malformed"
    wrong_log = "wrong_log"
    bad_signature = "bad_signature"
    missing_cosignature = "missing_cosignature"
    wrong_path = "wrong_path"
    wrong_index = "wrong_index"
    wrong_field = "wrong_field"
    rolled_back = "rolled_back"
    split_view = "split_view"
    omitted_entry = "omitted_entry"
    wrong_number = "wrong_number"


class ProofError(HushtagError):
    """Something that was to be verified does not verify."""

    exit_code = EXIT_NO

    def __init__(self, code: ProofCode, what: str, fix: str = "", *, field: str = "") -> None:
        """Build the message.

        Args:
            code: the reason.
            what: what does not verify, in a sentence for a lay person.
            fix: the next step, in one line.
            field: name of the field or number that does not verify; "" for the whole.
        """
        self.code = code
        self.field = field
        super().__init__(what, fix=fix)


def malformed(what: str) -> ProofError:
    """Build the error for a text that does not follow its format."""
    return ProofError(ProofCode.malformed, what, fix="get the file again from its publisher; do not edit it")
