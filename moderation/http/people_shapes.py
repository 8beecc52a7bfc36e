"""Shapes of the routes of people, keys and sessions."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from moderation.access.bodies import ActorText, CategoryText, convert
from moderation.access.keys import NAME, Role
from streams.answers import AnswerModel, Millis
from streams.naming import country_of

CountryText = Annotated[str, Field(max_length=20), AfterValidator(convert(country_of))]


class NewKeyBody(BaseModel):
    """Key that an admin makes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actor: ActorText = None
    name: str = Field(pattern=NAME, description="Person or service that gets the key.", examples=["asha"])
    role: Role
    person: str = Field("", pattern=r"^[A-Za-z0-9._@-]{0,80}$", description="Owner, if the name is another.")
    acts_for_others: bool = Field(False, description="For a service that authenticates people and names them.")
    countries: list[CountryText] | None = Field(None, max_length=250, description="null: all. `*`: everywhere.")
    categories: list[CategoryText] | None = Field(None, max_length=100, description="null: all.")
    longest: str = Field("", pattern=r"^(\d{1,6}[smhdw])*$", description="Longest decision, such as 2d; empty: any.")


class NewKeyAnswer(AnswerModel):
    """New key. It is shown once and stored nowhere."""

    name: str
    key: str = Field(description="Secret for the person or service; it cannot be shown again.")
    line: str = Field(description="Entry for `keys` of the key file, which an operator adds; it has only a hash.")


class SessionEndedAnswer(AnswerModel):
    """Session that was ended."""

    session: str
    name: str
    yours: bool
    recorded_at_ms: Millis
