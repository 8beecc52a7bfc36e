"""The rights of all roles in docs/security.md, as Markdown between two marks."""

from __future__ import annotations

from streams.access.redis_rights import redis_rights
from streams.access.roles import ALL, BY_NAME, ROLES, Role
from streams.errors import CallerMistake

BEGINS = "<!-- rights: made by `hushtag acls docs --into docs/security.md` -->"
ENDS = "<!-- end of rights -->"


def tables() -> str:
    """Return the table of each role's rights, and the two kinds of users of Redis."""
    lines = ["| role | runs | Read | Write | more | Redis |", "|---|---|---|---|---|---|"]
    lines += [_row(role) for role in ROLES]
    lines += ["", "```"]
    for name in ("reader", "publish"):
        rights = redis_rights([BY_NAME[name]])
        assert rights is not None
        lines.append(rights.as_command(f"hushtag-{name}"))
    return "\n".join([*lines, "```"]) + "\n"


def with_tables(document: str) -> str:
    """Replace the part of a document between the marks.

    Raises:
        CallerMistake: the document has no marks.
    """
    head, begins, rest = document.partition(BEGINS)
    _, ends, tail = rest.partition(ENDS)
    if not begins or not ends:
        raise CallerMistake("the file has no marks for the rights", fix=f"add the lines {BEGINS} and {ENDS}")
    return f"{head}{begins}\n\n{tables()}\n{ends}{tail}"


def _row(role: Role) -> str:
    more = []
    if role.creates:
        more.append("Create, Describe and AlterConfigs on every topic")
    elif role.checks:
        more.append("settings")
    if role.group:
        more.append("groups")
    if role.transactional_id:
        more.append(f"id `{role.transactional_id}`")
    cells = (f"`{role.name}`", role.runs, _topics(role.reads), _topics(role.writes), ", ".join(more), role.redis)
    return f"| {' | '.join(cells)} |"


def _topics(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in ALL if name in names)
