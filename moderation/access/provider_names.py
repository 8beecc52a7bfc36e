"""Names of people in records, from an identity provider. Pure.

Names are the provider's, and people may choose them there. One that could be taken for another person's or for the
software's is replaced by a name made of the provider's subject, which never changes and belongs to one person.
"""

from __future__ import annotations

import hashlib
import re

from moderation.log.drafts import stands_for_software

SUBJECT_PREFIX = "sub-"
"""Begins the names that are made of subjects; a provider's own name that begins so is replaced, too."""
_NAME = re.compile(r"[A-Za-z0-9._@+-]{1,80}")


def actor_name(name: str, subject: str) -> str:
    """Return the name of a person in records.

    >>> actor_name("asha@example.org", "7"), actor_name("Asha R.", "7"), actor_name("hushtag", "auth0|7")
    ('asha@example.org', 'sub-7', 'sub-0a07a4c62c2b815cbf76a2bd1467b462')

    Args:
        name: what the provider calls the person.
        subject: identifier of the person at the provider.
    """
    reserved = stands_for_software(name) or name.casefold().startswith(SUBJECT_PREFIX)
    if _NAME.fullmatch(name) and not reserved:
        return name
    subject_name = f"{SUBJECT_PREFIX}{subject}"
    if _NAME.fullmatch(subject_name):
        return subject_name
    return f"{SUBJECT_PREFIX}{hashlib.sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
