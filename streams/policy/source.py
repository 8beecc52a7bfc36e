"""YAML text to a tree whose every node knows where it stands. Data only: what YAML can do beyond that is refused.

Read from ruamel's events rather than its constructors: so anchors, aliases (a file of 1 KB can unfold to 10 GB), tags,
directives, duplicate keys and second documents are each seen and pointed at, and reading goes on behind them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.reader import ReaderError

from streams.policy.text import Complaint, Span, decode, lines_of, span_at

DEPTH_MAX = 12
NODES_MAX = 40_000
"""Values of the largest file that is read: about 2 s."""
_PROBLEMS_MAX = 1_000

_ENDED = re.compile("unexpected end of stream|<stream end>")

Loc = tuple[str | int, ...]
"""Keys and indexes from the root to a node."""


class Entry(NamedTuple):
    """A key of a mapping and its value."""

    key: Span
    node: Node


@dataclass(slots=True)
class Node:
    """A value: a scalar, a mapping by key, or a list."""

    span: Span
    value: Any = None
    usable: bool = True
    """False: something is wrong with it and has been said."""

    def plain(self) -> Any:
        """Without places; what is not usable is None."""
        if not self.usable:
            return None
        if isinstance(self.value, dict):
            return {key: entry.node.plain() for key, entry in self.value.items()}
        if isinstance(self.value, list):
            return tuple(node.plain() for node in self.value)
        return self.value

    def unusable(self, loc: Loc = ()) -> Iterator[Loc]:
        """Where what is not usable stands."""
        if not self.usable:
            yield loc
        elif isinstance(self.value, dict):
            for key, entry in self.value.items():
                yield from entry.node.unusable((*loc, key))
        elif isinstance(self.value, list):
            for at, node in enumerate(self.value):
                yield from node.unusable((*loc, at))

    def find(self, loc: Loc) -> tuple[Entry, int]:
        """The deepest node on the way to `loc`, and how many steps of `loc` it took."""
        entry = Entry(self.span, self)
        for steps, step in enumerate(loc):
            value = entry.node.value
            if isinstance(value, dict) and isinstance(step, str) and step in value:
                entry = value[step]
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                entry = Entry(value[step].span, value[step])
            else:
                return entry, steps
        return entry, len(loc)


@dataclass(slots=True)
class Document:
    """What could be read of a text. `root` is None where nothing could."""

    text: str
    root: Node | None = None
    complaints: list[Complaint] = field(default_factory=list)

    lines: list[str] = field(init=False)
    """As YAML counts them."""

    def __post_init__(self) -> None:
        self.lines = lines_of(self.text)


class _Stop(Exception):
    """Reading cannot go on; the reason has been said."""


def read(raw: bytes | str) -> Document:
    """Read a policy's YAML as far as it goes; never raises."""
    text, complaint = decode(raw)
    document = Document(text, None, [complaint] if complaint else [])
    if complaint is None:
        _Reader(document).run()
    return document


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.lines = document.lines
        self.yaml = YAML(typ="safe", pure=True)
        self.nodes = 0

    def run(self) -> None:
        try:
            self._documents(self.yaml.parse(self.document.text))
        except _Stop:
            self.document.root = None
        except ReaderError as error:
            self.document.root = None
            span = span_at(self.document.text[: error.position])
            what = f"U+{ord(self.document.text[error.position]):04X} is a control character"
            self._complain(span, what, "plain text", "delete it; an editor may not show it")
        except MarkedYAMLError as error:
            self.document.root = None
            self._syntax(error)

    def _complain(self, span: Span, message: str, expected: str = "", hint: str = "", loc: Loc = ()) -> None:
        self.document.complaints.append(Complaint(span, message, expected, hint, ".".join(map(str, loc))))
        if len(self.document.complaints) >= _PROBLEMS_MAX:
            raise _Stop

    def _documents(self, events: Iterator[Any]) -> None:
        for event in events:
            match type(event).__name__:
                case "DocumentStartEvent":
                    if event.version or event.tags:
                        self._complain(Span(1, 1), "a YAML directive", "none: plain YAML 1.2", "delete the line with %")
                    if self.document.root is not None:
                        span = _span(event)
                        self._complain(
                            span, "a second YAML document", "one policy a file", "delete it, or the --- line"
                        )
                        return
                case "StreamStartEvent" | "StreamEndEvent" | "DocumentEndEvent":
                    pass
                case _:
                    self.document.root = self._node(event, events, ())

    def _node(self, event: Any, events: Iterator[Any], loc: Loc) -> Node:
        node = Node(_span(event))
        self.nodes += 1
        if self.nodes > NODES_MAX:
            self._complain(node.span, "too many values", f"at most {NODES_MAX:,}", "is this the policy file?")
            raise _Stop
        kind = type(event).__name__
        if len(loc) > DEPTH_MAX:
            self._complain(node.span, "nested too deep", f"at most {DEPTH_MAX} levels", "is this the policy file?")
            raise _Stop
        if kind == "AliasEvent":
            self._complain(
                node.span, f"an alias, *{event.anchor}", "the value itself", "write it out where it is used", loc
            )
            node.usable = False
            return node
        if event.anchor is not None:
            self._complain(node.span, f"an anchor, &{event.anchor}", "the value alone", f"delete &{event.anchor}", loc)
        if event.tag is not None:
            shown = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            self._complain(node.span, f"a tag, {shown}", "the value alone", "delete the word that begins with !", loc)
            node.usable = False
        if kind == "MappingStartEvent":
            node.value = self._mapping(events, loc)
        elif kind == "SequenceStartEvent":
            node.value = []
            while type(inner := next(events)).__name__ != "SequenceEndEvent":
                node.value.append(self._node(inner, events, (*loc, len(node.value))))
        else:
            self._scalar(event, node, loc)
        return node

    def _mapping(self, events: Iterator[Any], loc: Loc) -> dict[str, Entry]:
        found: dict[str, Entry] = {}
        while type(event := next(events)).__name__ != "MappingEndEvent":
            span = _span(event)
            if type(event).__name__ != "ScalarEvent":
                hint = "write a list with - or in [ ]"
                if "{{" in self.lines[span.line - 1]:
                    hint = "this looks like a template that was not filled in"
                self._complain(span, "a key that is not a word", "key: value", hint, loc)
                known = len(self.document.complaints)
                self._node(event, events, (*loc, "?"))
                self._node(next(events), events, (*loc, "?"))
                del self.document.complaints[known:]
                continue
            key = str(event.value)
            if event.anchor is not None or event.tag is not None:
                self._complain(span, "a key with an anchor or a tag", "the key alone", "delete what is before it", loc)
            node = self._node(next(events), events, (*loc, key))
            if node.value is None and node.usable:
                self._complain(
                    span, f"`{key}` has no value", "key: value", "give it one, or delete the line", (*loc, key)
                )
                node.usable = False
            if key in found:
                first = found[key].key.line
                message = f"`{key}` stands twice, first on line {first}"
                self._complain(span, message, "each key once", "delete one of the two", (*loc, key))
            else:
                found[key] = Entry(span, node)
        return found

    def _scalar(self, event: Any, node: Node, loc: Loc) -> None:
        tag = self.yaml.resolver.resolve(ScalarNode, event.value, event.implicit)
        kind = str(tag).rpartition(":")[2]
        if kind in ("int", "float", "bool", "null") and event.implicit[0]:
            try:
                node.value = self.yaml.constructor.construct_object(ScalarNode(tag, event.value), deep=True)
            except ValueError:  # Python refuses integers of more than 4,300 digits
                self._complain(node.span, "a number that is far too long", "a number", loc=loc)
                node.usable = False
                return
        else:
            node.value = event.value
        if node.value is None and loc and isinstance(loc[-1], int):
            line = self.lines[node.span.line - 1] if node.span.line <= len(self.lines) else ""
            hint = "give it one, or delete the line"
            if "#" in line[: node.span.column + 2]:
                hint = "a # begins a comment: put the hashtag in quotes, or leave its # away"
            self._complain(node.span, "an entry without a value", "a value", hint, loc)
            node.usable = False

    def _syntax(self, error: MarkedYAMLError) -> None:
        tabs = [
            (number, len(line) - len(line.lstrip(" ")) + 1)
            for number, line in enumerate(self.lines, 1)
            if line.lstrip(" ").startswith("\t") and line.strip() and not line.strip().startswith("#")
        ]
        for number, column in tabs:
            self._complain(Span(number, column), "a tab", "spaces: YAML indents with nothing else", "use two spaces")
        mark = error.problem_mark or error.context_mark
        begun = _ENDED.search(str(error.problem)) or "scanning an alias" in str(error.context)
        if begun and error.context_mark:
            mark = error.context_mark
        if mark is None or any(number == mark.line + 1 for number, _ in tabs):
            return
        what = str(error.problem or error.context or "cannot be read")
        where = (
            f" ({error.context}, line {error.context_mark.line + 1})" if error.context and error.context_mark else ""
        )
        self._complain(
            Span(mark.line + 1, mark.column + 1),
            f"not YAML: {what}{where}",
            "YAML: `key: value`, lists with `- ` or in [ ], two spaces for each level",
            _syntax_hint(what, self.lines[mark.line] if mark.line < len(self.lines) else ""),
        )


def _syntax_hint(what: str, line: str) -> str:
    if _ENDED.search(what):
        return "what opens here is never closed"
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


def _span(event: Any) -> Span:
    start, end = event.start_mark, event.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Span(start.line + 1, start.column + 1, max(1, length))
