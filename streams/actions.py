"""Table of actions: what each does to a hashtag and its rank, how it begins and ends, and how all places word it.

A new action is one more row. The rows are in the order of their strength: of two decisions on one surface, the upper
one counts. Other code asks a row, or one of the sets below the table. Values of sentences are in braces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

from hushtag_client.registers import Action as RegisterAction

Visibility = Literal[
    "DECISION_VISIBILITY_CONTENT_REMOVED",
    "DECISION_VISIBILITY_CONTENT_DISABLED",
    "DECISION_VISIBILITY_CONTENT_DEMOTED",
    "DECISION_VISIBILITY_CONTENT_AGE_RESTRICTED",
    "DECISION_VISIBILITY_CONTENT_INTERACTION_RESTRICTED",
    "DECISION_VISIBILITY_CONTENT_LABELLED",
]
"""Values of `decision_visibility` in the EU's DSA Transparency Database that need no further field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyMode:
    """Mode of a policy's rules that begins an action."""

    name: str
    help: str
    """Description in the policy's schema."""
    effect: str
    """Effect on a hashtag over the threshold, as in "hides from 45%"."""
    meaning: str
    """Effect in a sentence, for the person who decides a case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementForm:
    """Statement of reasons on a restriction. Its sentences for users are translated in `statements/locale`."""

    measure: str
    """Name of the restriction in its JSON."""
    noun: str
    """Name of the restriction for staff."""
    everywhere: str
    """Effect in all countries, for the affected user: {tag}, {places}."""
    in_country: str
    """Effect in one country: {tag}, {places}, {country}."""
    reason: str = ""
    """Reason besides those of every restriction by the pipeline: {part}, of established authors."""
    closing: str = ""
    """Sentence after the reasons."""
    visibility: Visibility = "DECISION_VISIBILITY_CONTENT_DEMOTED"
    facts: str
    """Effect in the DSA database: {surfaces}, {where}, {weight}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """One action. The defaults are those of an action of a later version: it has no effect here."""

    name: str
    """Name in decisions and registers."""
    hides: bool = False
    """Whether its surfaces leave the hashtag out."""
    weighs: bool = False
    """Whether the hashtag is contested: visible, and its tweets count by a weight in rankings."""
    awaits_person: bool = False
    """Whether it lasts until a person decides or it expires: it is not renewed, and it lapses."""
    mode: PolicyMode | None = None
    verb: str = ""
    """Verb of a person's decision that sets it."""
    queued_as: str = ""
    """Kind of the case item that it opens for people; "" for none, and then second looks sample it if it hides."""
    cause: str = ""
    """Cause of that item: {part}, of established authors."""
    statement: StatementForm | None = None
    """Statement of reasons; None: surfaces do not apply it without a person."""
    label: str = ""
    """Heading of a flag."""
    state: str = "allowed"
    """State of a hashtag, in lists of staff."""
    tone: str = "good"
    """Colour of that state: `stop`, `wait` or `good`."""
    place: str = "shown"
    """State of a hashtag in a country, for the person who decides a case."""
    sentence: str = ""
    """End of "the hashtag is …", for `hushtag explain`: {where}, {weight}."""
    done: str = ""
    """Past participle, for policy impacts."""
    moment: str = ""
    """Name of its beginning in the crowd of a case."""
    change: str = ""
    """Name of its beginning in messages of `hushtag notify`."""


_ROWS = (
    ActionRow(
        name="suppress",
        hides=True,
        mode=PolicyMode(
            name="suppress",
            help="hidden until it clears or expires.",
            effect="hides",
            meaning="The live policy hides such hashtags without a person.",
        ),
        verb="block",
        statement=StatementForm(
            measure="reduced",
            noun="hidden",
            everywhere="#{tag} is not shown in {places}.",
            in_country="#{tag} is not shown in {places} to viewers in {country}.",
            facts="The hashtag is kept out of {surfaces} {where}; posts are not touched.",
        ),
        label="Suppressed",
        state="hidden",
        tone="stop",
        place="hidden",
        sentence="hidden from {where}",
        done="suppressed",
        moment="hidden",
        change="suppressed",
    ),
    ActionRow(
        name="hold",
        hides=True,
        awaits_person=True,
        mode=PolicyMode(
            name="hold_for_review",
            help="hidden and queued until a person decides or the hold expires; then shown.",
            effect="hides, and holds for a person",
            meaning="The live policy hides such hashtags until a person decides or the hold lapses.",
        ),
        verb="hold",
        queued_as="hold",
        statement=StatementForm(
            measure="held",
            noun="held back",
            everywhere="#{tag} is not shown in {places}.",
            in_country="#{tag} is not shown in {places} to viewers in {country}.",
            closing="It is held back until a person has looked at it.",
            facts="The hashtag is kept out of {surfaces} {where} until a person has looked at it; posts are not "
            "touched.",
        ),
        label="On hold for review",
        state="on hold",
        tone="wait",
        place="on hold, hidden until a person decides",
        sentence="held for review and hidden from {where}",
        done="held for review",
        moment="held",
        change="suppressed",
    ),
    ActionRow(
        name="discount",
        weighs=True,
        queued_as="contested",
        cause="contested: {part:.0%} of its authors are established, others write harm",
        statement=StatementForm(
            measure="discounted",
            noun="ranked lower",
            everywhere="#{tag} is shown in {places}, but only tweets of established accounts count for its rank there.",
            in_country="#{tag} is shown in {places} to viewers in {country}, but only tweets of established accounts "
            "count for its rank there.",
            reason="Of the people who used it, {part} have established accounts. It found that the others break these "
            "rules; it did not find that of the established accounts.",
            facts="The hashtag stays visible on {surfaces} {where}. It is ranked there by the posts of established "
            "accounts: its posts count {weight:.0%}. Posts are not touched.",
        ),
        label="Ranked by its established accounts",
        state="ranked lower",
        tone="wait",
        place="visible, ranked by its established accounts",
        sentence="shown, but its tweets count {weight:.0%} on {where}",
        done="ranked by established authors",
        moment="ranked_lower",
        change="contested",
    ),
    ActionRow(
        name="review",
        mode=PolicyMode(
            name="review",
            help="queued, nothing hidden.",
            effect="sends to a person",
            meaning="The live policy hides nothing here and asks a person.",
        ),
        done="queued for review",
    ),
    ActionRow(
        name="shadow",
        mode=PolicyMode(
            name="shadow",
            help="decided and counted, nothing hidden, nothing queued.",
            effect="only notes it",
            meaning="The live policy only counts such decisions and hides nothing.",
        ),
        done="noted (shadow)",
    ),
    ActionRow(name="allow", verb="allow", moment="shown"),
    ActionRow(name="clear"),
)

ACTIONS: Mapping[str, ActionRow] = {row.name: row for row in _ROWS}
"""Actions that this version knows, the strongest first."""
RANK: Mapping[str, int] = {name: number for number, name in enumerate(ACTIONS)}
"""Place of each action in the order of strength, 0 for the strongest."""
HIDING = frozenset(row.name for row in _ROWS if row.hides)
WEIGHING = frozenset(row.name for row in _ROWS if row.weighs)
(CONTESTED_ACTION,) = WEIGHING
"""Action on a contested hashtag, under a mode that hides."""
AWAITING_PERSON = frozenset(row.name for row in _ROWS if row.awaits_person)
FLAGGING = frozenset(row.name for row in _ROWS if row.statement)
"""Actions that surfaces apply without a person."""
MODES: Mapping[str, PolicyMode] = {row.mode.name: row.mode for row in _ROWS if row.mode}
ACTION_OF_MODE: Mapping[str, str] = {row.mode.name: row.name for row in _ROWS if row.mode}
HIDING_MODES = frozenset(mode for mode, action in ACTION_OF_MODE.items() if action in HIDING)
"""Modes that keep a tag from its surfaces without a person."""
ACTION_OF_VERB = {row.verb: cast("RegisterAction", row.name) for row in _ROWS if row.verb}
FORMS: Mapping[str, StatementForm] = {row.name: row.statement for row in _ROWS if row.statement}
"""Statement of each action in `FLAGGING`, the strongest first."""
FORM_OF_MEASURE: Mapping[str, StatementForm] = {form.measure: form for form in FORMS.values()}
ROW_OF_MEASURE: Mapping[str, ActionRow] = {row.statement.measure: row for row in _ROWS if row.statement}


def row_of(action: str) -> ActionRow:
    """Return the row of an action, which may be one of a later version."""
    return ACTIONS.get(action) or ActionRow(name=action)
