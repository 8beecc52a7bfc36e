"""Usual causes of a syntax error, found in the lines before the place at which YAML gives up.

YAML reports where it could not go on, which may be lines after the mistake: a # that was meant as a hashtag hides the
closing bracket, and a key without its colon joins the next line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ruamel.yaml.error import MarkedYAMLError

HASHTAG_COMMENT = re.compile(r"(?<![^\s\[{,])#\w[^\s,\]}]*")
"""Comment that looks like a hashtag, such as `#two` in `[one, #two]`."""
COMMENT_HINT = "a # begins a comment: put the hashtag in quotes, or remove its #; a comment has a space after its #"
DROPPED = "a comment inside a list: YAML drops this hashtag"
_ODD_SPACE = re.compile("[\u00a0\u1680\u2000-\u200b\u202f\u205f\u3000\ufeff]")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'')
_CURLY_QUOTES = "“”„‟‘’‚‛«»‹›＂＇"
_COMMENT = re.compile(r"(?<![^\s\[{,])#.*")
_KEY = re.compile(r"(?P<dash>-\s+)?(?P<key>[^\s:=：\[{-][^\s:=：\[{]*)\s*(?P<sign>[:=：]?)\s*(?P<value>.*)")


class Span(NamedTuple):
    """Position in the text; line and column count from 1, in code points."""

    line: int
    column: int
    length: int = 1


Complaint = tuple[Span, str, str, str]
"""Position, message, expected value and hint of a problem."""


def without_curly_quotes(text: str) -> str:
    """Return a text without typographic quotes around it, which YAML takes as letters.

    >>> without_curly_quotes("“#pride”"), without_curly_quotes("#pride")
    ('#pride', '#pride')
    """
    return text.strip(_CURLY_QUOTES)


def usual_cause(error: MarkedYAMLError, lines: Sequence[str]) -> Complaint | None:
    """Return the usual cause of a syntax error; None where none of them fits."""
    marks = [mark for mark in (error.context_mark, error.problem_mark) if mark is not None]
    if not marks:
        return None
    begin, end = (min(mark.line, len(lines) - 1) for mark in (marks[0], marks[-1]))
    causes = _causes(str(error.problem), str(error.context), lines, begin, end, marks[-1].column)
    return next((complaint for complaint in causes if complaint is not None), None)


def _causes(
    what: str, context: str, lines: Sequence[str], begin: int, end: int, column: int
) -> Iterator[Complaint | None]:
    """Yield the causes that fit an error of ruamel, the surest first; lines and the column count from 0."""
    yield _odd_space(lines, begin, end)
    if "flow" in context:
        opened = _open_bracket(lines, end)
        yield _hidden_hashtag(lines, begin if opened is None else opened.line - 1, end)
        yield _unclosed(lines, opened, end)
    elif "could not find expected ':'" in what:
        yield _lost_colon(lines, begin)
    elif "mapping values are not allowed" in what and ": " not in lines[end][:column]:
        yield _lost_colon(lines, _last_content(lines, end))
    elif "expected <block end>" in what and "start>" in what:
        yield _wrong_indentation(lines, end)
    elif "expected '<document start>'" in what:
        yield _lost_colon(lines, next((at for at, line in enumerate(lines) if _bare(line)), 0))


def _bare(line: str) -> str:
    """Return a line without its comment and the spaces around it."""
    return _COMMENT.sub("", line).strip()


def _without_quoted(line: str) -> str:
    """Replace quoted texts by as many letters."""
    return _QUOTED.sub(lambda match: "x" * len(match[0]), line)


def _odd_space(lines: Sequence[str], begin: int, end: int) -> Complaint | None:
    for number in range(begin, end + 1):
        match = _ODD_SPACE.search(_COMMENT.sub("", _without_quoted(lines[number])))
        if match:
            message = f"U+{ord(match[0]):04X}, which looks like a space and is none"
            return Span(number + 1, match.start() + 1), message, "spaces as the space bar makes them", _TYPE_A_SPACE
    return None


_TYPE_A_SPACE = "replace it by an ordinary space; text copied from a web page or a chat may have it"


def _hidden_hashtag(lines: Sequence[str], begin: int, end: int) -> Complaint | None:
    for number in range(begin, end + 1):
        match = HASHTAG_COMMENT.search(_without_quoted(lines[number]))
        if match:
            span = Span(number + 1, match.start() + 1, match.end() - match.start())
            return span, DROPPED, "a quoted hashtag", COMMENT_HINT
    return None


def _open_bracket(lines: Sequence[str], end: int) -> Span | None:
    """Return the last bracket that no line up to `end` closes; comments and quoted texts do not count."""
    depth = 0
    for number in range(end, -1, -1):
        text = _COMMENT.sub("", _without_quoted(lines[number]))
        for column in range(len(text) - 1, -1, -1):
            depth += (text[column] in "]}") - (text[column] in "[{")
            if depth < 0:
                return Span(number + 1, column + 1)
    return None


def _unclosed(lines: Sequence[str], opened: Span | None, end: int) -> Complaint | None:
    """Explain a bracket that a key of the same level, further down, proves to be open."""
    if opened is None or end < opened.line or _indentation(lines[end]) > _indentation(lines[opened.line - 1]):
        return None
    if not re.match(r"\s*[\w-]+:", lines[end]):
        return None
    closing = "]" if lines[opened.line - 1][opened.column - 1] == "[" else "}"
    message, hint = "a bracket opens here and is not closed", f"write {closing} after the last entry"
    return opened, message, f"{closing} at its end", hint


def _wrong_indentation(lines: Sequence[str], number: int) -> Complaint | None:
    """Explain a key that stands deeper or less deep than any key above it."""
    above = {_indentation(line): at for at, line in enumerate(lines[:number], 1) if _bare(line)}
    here = _indentation(lines[number])
    if here in above or not above:
        return None
    fitting = min(above, key=lambda spaces: (abs(spaces - here), -spaces))
    hint = f"begin it with {fitting} spaces, as line {above[fitting]}"
    message = "the indentation does not fit the lines above"
    return Span(number + 1, here + 1), message, "as many spaces as before a key above", hint


def _last_content(lines: Sequence[str], number: int) -> int:
    """Return the number of the last line with text above a line; the line itself without any."""
    return next((at for at in range(number - 1, -1, -1) if _bare(lines[at])), number)


def _indentation(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _lost_colon(lines: Sequence[str], number: int) -> Complaint | None:
    """Explain a line that has a key and no colon, or another sign than a colon and a space."""
    text = _bare(lines[number])
    match = _KEY.fullmatch(text)
    if match is None or re.match(r"(-\s+)?[^\s:]+:(\s|$)", text):
        return None
    sign, value = match["sign"], match["value"]
    message = "a colon is missing" if not sign else f"{sign} where a colon belongs"
    if sign == ":":
        message = "a space is missing after the colon"
    written = f"{match['key']}: {value}".rstrip()
    column = lines[number].index(text) + 1
    return Span(number + 1, column, len(text)), message, "key: value, with a colon and a space", f"write {written}"
