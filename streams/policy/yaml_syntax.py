"""Syntax errors of YAML, explained for the author of a policy file."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from streams.policy.typing_mistakes import HASHTAG_COMMENT, Complaint, Span, usual_cause

_UNCLOSED = re.compile("unexpected end of stream|<stream end>")
_EXPECTED = "YAML: `key: value`, lists with `- ` or in [ ], two spaces for each level"


def syntax_complaints(error: MarkedYAMLError, lines: Sequence[str]) -> Iterator[Complaint]:
    """Explain a syntax error; tabs in the indentation, a frequent cause, are each reported first."""
    tabs = [
        Span(number, len(line) - len(line.lstrip(" ")) + 1)
        for number, line in enumerate(lines, 1)
        if line.lstrip(" ").startswith("\t") and line.strip() and not line.strip().startswith("#")
    ]
    for tab in tabs:
        yield tab, "a tab", "spaces: YAML indents with nothing else", "use two spaces"
    cause = None if tabs else usual_cause(error, lines)
    if cause is not None:
        yield cause
        return
    what, context = str(error.problem or error.context or "cannot be read"), error.context_mark
    at_end = bool(_UNCLOSED.search(str(error.problem)))
    mark = error.problem_mark or context
    if context and (at_end or "scanning an alias" in str(error.context)):
        mark = context
    span = Span(mark.line + 1, mark.column + 1) if mark else Span(1, 1)
    if at_end and not "".join(lines[span.line - 1 :]).strip():
        span = _last_opening(lines)
    if any(tab.line == span.line for tab in tabs):
        return
    where = f" ({error.context}, line {context.line + 1})" if error.context and context else ""
    line = lines[span.line - 1] if span.line <= len(lines) else ""
    yield span, f"not YAML: {what}{where}", _EXPECTED, _hint(what, line)


def commented_hashtags(sequence: SequenceNode, lines: Sequence[str]) -> Iterator[Span]:
    """Find comments in a list that look like hashtags, such as `#two` in `- one #two`.

    In a list with dashes, a line that begins with # is a comment like any other.
    """
    if not sequence.flow_style:
        for entry in sequence.value:
            number, column = entry.end_mark.line, entry.end_mark.column
            if isinstance(entry, ScalarNode) and entry.value and entry.start_mark.line == number < len(lines):
                comment = HASHTAG_COMMENT.search(lines[number], column)
                if comment and not lines[number][column : comment.start()].strip():
                    yield Span(number + 1, comment.start() + 1, comment.end() - comment.start())
        return
    entries = sorted((_at(scalar.start_mark), _at(scalar.end_mark)) for scalar in _scalars(sequence))
    first, last = _at(sequence.start_mark), _at(sequence.end_mark)
    for number in range(first[0], min(last[0], len(lines) - 1) + 1):
        for comment in HASHTAG_COMMENT.finditer(lines[number]):
            at = number, comment.start()
            before = bisect_right(entries, (at, last)) - 1
            if first < at < last and (before < 0 or entries[before][1] <= at):
                yield Span(number + 1, comment.start() + 1, comment.end() - comment.start())
                break  # the comment reaches to the end of the line


def _at(mark: Any) -> tuple[int, int]:
    return mark.line, mark.column


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, SequenceNode):
        for inner in node.value:
            yield from _scalars(inner)
    elif isinstance(node, MappingNode):
        for pair in node.value:
            for inner in pair:
                yield from _scalars(inner)


def _last_opening(lines: Sequence[str]) -> Span:
    """Return the first bracket of the last line with text; ruamel reports an unclosed one at the end of the file."""
    number = max((at for at, line in enumerate(lines, 1) if line.strip()), default=1)
    bracket = re.search(r"[\[{]", lines[number - 1])
    return Span(number, bracket.start() + 1 if bracket else 1)


def _hint(what: str, line: str) -> str:
    if _UNCLOSED.search(what):
        return "a bracket or a quote that opens here is never closed"
    if "could not find expected ':'" in what:
        return "a colon is missing, on this line or the one before"
    if "mapping values are not allowed" in what:
        return "look for a second colon on the line, or wrong indentation"
    if "@" in what or "`" in what or "%" in what:
        return "put the text in quotes"
    if "expected ',' or" in what:
        return "a comma or a closing bracket is missing"
    if "expected <block end>" in what:
        return "the indentation does not fit the lines above"
    if "*" in line or "&" in line:
        return "put text that begins with * or & in quotes"
    return "look at the quotes, brackets and indentation here and on the line before"
