"""Record of one person's label of a text in the `moderation` topic. Pure.

It has no text: only a keyed hash or the tweet's id, and the probabilities that the model gave. The key names the text
and the person, so a later label of the same person replaces the earlier one when the topic is compacted.
"""

from __future__ import annotations

import hashlib
from typing import Annotated

import msgspec

from streams.log.moderation import Id, Ms, RecordCodec, Text
from streams.log.sense import MOST_OFFSET, MOST_SOURCES
from streams.policy.look_alikes import visual_form

KIND = "text_label"
Subject = Annotated[str, msgspec.Meta(pattern=r"^(tweet-[0-9]{1,20}|text-[0-9a-f]{32})\Z")]
"""Identity of a text: the id of a tweet, or a keyed hash of the text of a file."""
Revision = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{12}\Z")]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class TextLabel(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=KIND):
    """One person's label of a text, with the scores of the text at that time."""

    id: Id
    """Hash of the text's identity and the person."""
    subject: Subject
    hashtag: Annotated[str, msgspec.Meta(max_length=280)] = ""
    """Hashtag under which the text was sampled, normalised; "" for none."""
    partition: Annotated[int, msgspec.Meta(ge=-1, lt=MOST_SOURCES)] = -1
    """Partition of `tweets` with the text; -1: unknown."""
    offset: Annotated[int, msgspec.Meta(ge=-1, le=MOST_OFFSET)] = -1
    lang: Annotated[str, msgspec.Meta(max_length=35)] = "und"
    """Language that the payload or the file names (BCP 47)."""
    harmful: bool | None
    """Whether the text is harmful; None withdraws the person's label."""
    categories: dict[str, bool] = {}
    """Label by category, where the person gave one."""
    language: Annotated[str, msgspec.Meta(min_length=1, max_length=35)]
    """Language group that the model found; see `models.languages.GROUPS`."""
    probabilities: Annotated[tuple[Probability, ...], msgspec.Meta(min_length=1, max_length=100)]
    """Probabilities of any category, then of each category of the model."""
    model: Revision
    """Revision of the model that scored the text."""
    scores: Revision
    """Digest of the part of the model that scores, which a calibration leaves unchanged."""
    actor: Text
    """Sender of the label: the holder of the key or session, or the actor of the command."""
    reason: Text
    at_ms: Ms


_codec: RecordCodec[TextLabel] = RecordCodec(
    TextLabel, lambda label: f"label:{label.subject}|review|{label.id}|*".encode()
)
encode_label = _codec.encode
decode_label = _codec.decode


def label_id(subject: str, actor: str) -> str:
    """Return the id of a person's label of a text; spellings of a name that look alike are one person.

    >>> label_id("tweet-1", "Asha") == label_id("tweet-1", "asha"), len(label_id("tweet-1", "asha"))
    (True, 24)
    """
    return hashlib.blake2b(f"{subject}\n{visual_form(actor)}".encode(), digest_size=12).hexdigest()


def tweet_subject(tweet: str) -> str:
    """Return the identity of a tweet."""
    return f"tweet-{tweet}"


def text_subject(text: str, secret: bytes) -> str:
    """Return the identity of a text without a tweet: a keyed hash, so that no short text can be guessed from it.

    >>> text_subject("a  text ", b"key") == text_subject("a text", b"key") != text_subject("a text", b"other")
    True
    """
    normalised = " ".join(text.split()).encode("utf-8", "surrogatepass")
    key = hashlib.blake2b(secret, digest_size=32, person=b"labelled texts").digest()
    return f"text-{hashlib.blake2b(normalised, digest_size=16, key=key).hexdigest()}"
