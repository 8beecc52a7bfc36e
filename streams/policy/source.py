"""YAML text of a policy file, read to plain values and the position of each key.

Only data is accepted. Anchors, aliases (a file of 1 KB can unfold to 10 GB), tags, directives, duplicate keys and
further documents are refused, each with its position, and reading continues after them.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from streams.policy.errors import Problem
from streams.policy.typing_mistakes import COMMENT_HINT, DROPPED, HASHTAG_COMMENT, Span, without_curly_quotes
from streams.policy.yaml_syntax import commented_hashtags, syntax_complaints

SIZE_MAX = 1 << 18
"""Size of the largest file that is read, in bytes: room for about 15,000 hashtags."""
DEPTH_MAX = 12
NODES_MAX = 40_000
"""Number of keys and values of the largest file that is read; takes about 2 s."""
LINES_MAX = 20_000
"""Number of lines of the longest file that is read. A file above it is refused before its YAML is parsed."""
_PROBLEMS_MAX = 1_000

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_IS_POLICY = "is this the policy file?"

Loc = tuple[str | int, ...]
"""Keys and indexes from the root to a value."""


class Position(NamedTuple):
    """Spans of a key and of its value. Where the value is a filled list or mapping, both are the key's."""

    key: Span
    value: Span


@dataclass(slots=True)
class Document:
    """Values and positions that could be read of a file. `positions` is empty where nothing could."""

    name: str
    text: str
    value: Any = None
    """Plain mappings, tuples and scalars; None in place of each value in `refused`."""
    positions: dict[Loc, Position] = field(default_factory=dict)
    refused: set[Loc] = field(default_factory=set)
    """Values that cannot be used; `problems` has the reasons."""
    problems: list[Problem] = field(default_factory=list)
    lines: list[str] = field(init=False)
    """Lines as YAML counts them."""

    def __post_init__(self) -> None:
        self.lines = lines_of(self.text)

    def nearest(self, loc: Loc) -> Loc:
        """Return the longest part of `loc`, from the root, that the file contains."""
        return next(loc[:length] for length in range(len(loc), -1, -1) if loc[:length] in self.positions)

    def add(self, span: Span, message: str, expected: str = "", hint: str = "", loc: Loc = ()) -> None:
        """Add a problem at a position."""
        line, column, length = span
        source = self.lines[line - 1] if line <= len(self.lines) else ""
        path = ".".join(map(str, loc))
        self.problems.append(Problem(line, column, self.name, message, expected, hint, path, source, length))


def lines_of(text: str) -> list[str]:
    """Split a text into lines as YAML counts them."""
    return _LINE_BREAK.split(text)


def read(raw: bytes | str, name: str = "") -> Document:
    """Read a policy's YAML as far as it goes; never raises.

    Args:
        raw: content of the file.
        name: the file's name in problems.
    """
    document = _decoded(raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else raw, name)
    if not document.problems and len(document.lines) > LINES_MAX:
        document.add(Span(LINES_MAX + 1, 1), "too many lines", f"at most {LINES_MAX:,}", _IS_POLICY)
    if not document.problems:
        try:
            _Reader(document).run()
        except _Stop as stop:
            document.positions.clear()
            document.add(*stop.args)
    return document


class _Stop(Exception):
    """End of reading by a problem; the arguments are those of `Document.add`."""


def _decoded(raw: bytes, name: str) -> Document:
    """Decode UTF-8, without its byte order mark. With a problem the text only serves to show the line."""
    refused = Document(name, "")
    if len(raw) > SIZE_MAX:
        refused.add(Span(1, 1), "the file is too large", f"at most {SIZE_MAX:,} bytes", _IS_POLICY)
        return refused
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        refused.add(Span(1, 1), "the file is UTF-16", "UTF-8", "save it as UTF-8")
        return refused
    raw = raw.removeprefix(codecs.BOM_UTF8)
    try:
        return Document(name, raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        refused = Document(name, raw.decode("utf-8", "replace"))
        hint = "the file was saved in another encoding: save it as UTF-8"
        refused.add(
            _end_of(raw[: error.start].decode("utf-8")), f"byte 0x{raw[error.start]:02x} is not UTF-8", "UTF-8", hint
        )
        return refused


def _end_of(text: str) -> Span:
    lines = lines_of(text)
    return Span(len(lines), len(lines[-1]) + 1)


def _span(start: Any, end: Any) -> Span:
    length = end.column - start.column if end.line == start.line else 1
    return Span(start.line + 1, start.column + 1, max(1, length))


class _Composer(Composer):
    """ruamel's composer, which notes what it composes beyond data and leaves aliases unresolved."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader)
        self.warn_double_anchors = False
        self.nodes = 0
        self.problems: dict[int, list[tuple[str, str, str]]] = {}
        """Message, expected value and hint of each problem, by the id of its node."""
        self.has_directive = False

    def compose_document(self) -> Node:
        event = self.parser.peek_event()
        self.has_directive = bool(event.version or event.tags)
        root: Node = super().compose_document()
        return root

    def compose_node(self, parent: Any, index: Any) -> Node:
        event = self.parser.peek_event()
        self.nodes += 1
        if self.nodes > NODES_MAX:
            span = _span(event.start_mark, event.end_mark)
            raise _Stop(span, "too many values", f"at most {NODES_MAX:,} keys and values", _IS_POLICY)
        problems = []
        if isinstance(event, AliasEvent):
            self.parser.get_event()
            node = ScalarNode("", event.anchor, event.start_mark, event.end_mark)
            problems = [(f"an alias, *{event.anchor}", "the value itself", "write it out where it is used")]
        else:
            node = super().compose_node(parent, index)
            if event.anchor is not None:
                problems = [(f"an anchor, &{event.anchor}", "the value alone", f"delete &{event.anchor}")]
            if event.tag is not None:
                shown = str(event.tag).replace("tag:yaml.org,2002:", "!!")
                problems += [(f"a tag, {shown}", "the value alone", "delete the word that begins with !")]
        if problems:
            self.problems[id(node)] = problems
        return node


class _Reader:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.yaml = YAML(typ="safe", pure=True)
        self.yaml.Composer = _Composer
        self.yaml.max_depth = DEPTH_MAX + 1
        self.composer: _Composer = self.yaml.composer

    def run(self) -> None:
        text = self.document.text
        try:
            root = self.yaml.compose(text)
        except ReaderError as error:
            what = f"U+{ord(text[error.position]):04X} is a control character"
            hint = "delete it; an editor may not show it"
            raise _Stop(_end_of(text[: error.position]), what, "plain text", hint) from None
        except (MaxDepthExceededError, ComposerError) as error:
            span = _span(error.problem_mark, error.problem_mark)
            if isinstance(error, MaxDepthExceededError):
                raise _Stop(span, "nested too deep", f"at most {DEPTH_MAX} levels", _IS_POLICY) from None
            raise _Stop(span, "a second YAML document", "one policy a file", "delete it, or the --- line") from None
        except MarkedYAMLError as error:
            for complaint in syntax_complaints(error, self.document.lines):
                self._add(*complaint)
            return
        if self.composer.has_directive:
            self._add(Span(1, 1), "a YAML directive", "none: plain YAML 1.2", "delete the line with %")
        if root is not None:
            self.document.value = self._value(root, (), None)

    def _add(self, span: Span, message: str, expected: str, hint: str = "", loc: Loc = ()) -> None:
        if len(self.document.problems) + 1 >= _PROBLEMS_MAX:
            raise _Stop(span, message, expected, hint, loc)
        self.document.add(span, message, expected, hint, loc)

    def _value(self, node: Node, loc: Loc, key: Span | None) -> Any:
        """Return the plain value of a node, None where it cannot be used, and note its position."""
        span = _span(node.start_mark, node.end_mark)
        is_filled = not isinstance(node, ScalarNode) and bool(node.value)
        self.document.positions[loc] = Position(key or span, key if key and is_filled else span)
        problems = [*self.composer.problems.get(id(node), []), *_curly_quotes(node, '"')]
        for message, expected, hint in problems:
            self._add(span, message, expected, hint, loc)
        value = None
        if all(message.startswith("an anchor") for message, _, _ in problems):
            try:
                value = self._content(node, loc)
            except ValueError:  # Python refuses integers of more than 4,300 digits
                self._add(span, "a number that is far too long", "a number", loc=loc)
            else:
                if value is None:
                    self._add_missing(span, key, loc)
        if value is None:
            self.document.refused.add(loc)
        return value

    def _content(self, node: Node, loc: Loc) -> Any:
        if isinstance(node, MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, SequenceNode):
            for span in commented_hashtags(node, self.document.lines):
                self._add(span, DROPPED, "a quoted hashtag", COMMENT_HINT, loc)
            return tuple(self._value(inner, (*loc, at), None) for at, inner in enumerate(node.value))
        if str(node.tag).rpartition(":")[2] not in ("int", "float", "bool", "null"):
            return node.value
        return self.yaml.constructor.construct_object(node, deep=True)

    def _mapping(self, mapping: MappingNode, loc: Loc) -> dict[str, object]:
        values: dict[str, object] = {}
        for key, node in mapping.value:
            span = _span(key.start_mark, key.end_mark)
            problems = self.composer.problems.get(id(key), [])
            for message, expected, hint in (*problems, *_curly_quotes(key, "")):
                self._add(span, message, expected, hint, loc)
            if isinstance(key, ScalarNode):
                key.value = without_curly_quotes(key.value)
            if not isinstance(key, ScalarNode):
                hint = "write a list with - or in [ ]"
                if "{{" in self.document.lines[span.line - 1]:
                    hint = "this looks like a template that was not filled in"
                self._add(span, "a key that is not a word", "key: value", hint, loc)
            elif not problems and key.value in values:
                first = self.document.positions[*loc, key.value].key.line
                message = f"`{key.value}` is set twice, first on line {first}"
                self._add(span, message, "each key once", "delete one of the two", (*loc, key.value))
            elif not problems:
                values[key.value] = self._value(node, (*loc, key.value), span)
        return values

    def _add_missing(self, span: Span, key: Span | None, loc: Loc) -> None:
        hint = "give it one, or delete the line"
        if key is not None:
            name, colon, rest = str(loc[-1]).partition(":")
            if colon:
                self._add(key, "a space is missing after the colon", "key: value", f"write {name}: {rest}", loc)
                return
            if self._hides_hashtags(key):
                hint = COMMENT_HINT
            self._add(key, f"`{name}` has no value", "key: value", hint, loc)
        elif loc:
            line = self.document.lines[span.line - 1] if span.line <= len(self.document.lines) else ""
            if "#" in line[: span.column + 2]:
                hint = COMMENT_HINT
            self._add(span, "an entry without a value", "a value", hint, loc)

    def _hides_hashtags(self, key: Span) -> bool:
        """Tell whether a key without a value is followed by comments that look like hashtags."""
        lines = self.document.lines
        if HASHTAG_COMMENT.search(lines[key.line - 1], key.column - 1 + key.length):
            return True
        below = next((line for line in lines[key.line :] if line.strip()), "")
        return below.startswith(" ") and HASHTAG_COMMENT.match(below.strip()) is not None


def _curly_quotes(node: Node, quote: str) -> list[tuple[str, str, str]]:
    """Return the problem of typographic quotes around a scalar; empty without any."""
    text = node.value if isinstance(node, ScalarNode) else ""
    bare = without_curly_quotes(text)
    if bare == text:
        return []
    return [
        ("typographic quotes, which YAML takes as letters", "straight quotes, or none", f"write {quote}{bare}{quote}")
    ]
