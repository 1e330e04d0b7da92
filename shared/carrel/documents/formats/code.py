"""I have source code: where do its classes and functions begin?

Python is read by its own parser. Other languages by a rule for lines: a line that declares something, as most languages
do it, opens a section; indentation says what it lies in. A rule misses some and invents few; the text itself is never
changed.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from carrel.documents.draft import TOO_BIG, Draft, Unreadable, words
from carrel.documents.sections import Heading
from carrel.documents.text import clean

__all__ = ["read"]

LARGE = 1_200  # characters from which what lies in a class gets sections of its own: a passage
_AST_CHARS = 400_000  # the parser takes about 100 times its source
_MAX_HEADINGS = 20_000
_MAX_LINE = 300
_MAX_COMMENT = 40  # lines above a declaration that may belong to it
_PYTHON = (".py", ".pyi")

_WARNINGS = threading.Lock()  # how warnings are filtered is shared by all threads

# Names of languages as code fences know them, where the suffix is not the name.
_NAMES = {
    ".py": "python",
    ".pyi": "python",
    ".mjs": "js",
    ".cjs": "js",
    ".h": "c",
    ".cc": "cpp",
    ".cxx": "cpp",
    ".hpp": "cpp",
    ".hh": "cpp",
    ".kts": "kt",
    ".m": "objc",
    ".mm": "objc",
    ".pyx": "python",
}


@dataclass(slots=True)
class _Declaration:
    """Something declared on a line (from 0); ``last`` is the last line that belongs to it."""

    name: str
    line: int
    indent: int
    holds: bool
    last: int = -1


def read(data: bytes, hint: str, max_chars: int) -> Draft:
    """Read source code; ``hint`` is the suffix of its name. Raises Unreadable."""
    text, removed = clean(data.decode("utf-8", "replace"))
    if len(text) > max_chars:
        raise Unreadable(TOO_BIG)
    lines = text.split("\n")
    found = _python(text) if hint in _PYTHON and len(text) <= _AST_CHARS else None
    if found is None:
        found = list(_declared(lines, hint))
        _close(found, lines)
    facts = {"code_language": _NAMES.get(hint, hint.lstrip("."))}
    if removed:
        facts["hidden_chars"] = str(removed)
    return Draft(
        text,
        headings=tuple(islice(_headings(found, lines), _MAX_HEADINGS)),
        facts={k: v for k, v in facts.items() if v},
    )


def _headings(found: Sequence[_Declaration], lines: Sequence[str]) -> Iterator[Heading]:
    """A heading for each declaration that is not a small part of something small."""
    starts = [0, *accumulate(len(line) + 1 for line in lines)]
    above: list[tuple[_Declaration, bool]] = []
    least = 0
    for each in found:
        while above and above[-1][0].last < each.line:
            above.pop()
        begin = _with_comment(lines, each.line, each.indent, least)
        size = starts[min(each.last + 1, len(lines))] - starts[begin]
        shown = all(large for _, large in above)
        if shown:
            yield Heading(each.name[:300], len(above) + 1, starts[begin])
            least = each.line + 1
        above.append((each, shown and size > LARGE))


_COMMENT = re.compile(r"\s*(?://|/?\*|#(?!include|define|if|endif|pragma)|--|@|;;|%|\"\"\"|\[\w|<!--)")


def _with_comment(lines: Sequence[str], line: int, indent: int, least: int) -> int:
    """Where the comments, decorators and attributes that stand directly above a declaration begin."""
    begin = line
    while begin > max(least, line - _MAX_COMMENT) and _COMMENT.match(lines[begin - 1]):
        if len(lines[begin - 1]) - len(lines[begin - 1].lstrip()) > indent + 1:
            break
        begin -= 1
    return begin


# -- Python ----------------------------------------------------------------------------------------------------------


def _python(text: str) -> list[_Declaration] | None:
    """The classes and functions of a module and its classes, in order; None for what the parser does not take."""
    import ast

    try:
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the code read, not of ours
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: list[_Declaration] = []
    stack: list[ast.AST] = list(reversed(module.body))
    while stack:
        node = stack.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            holds = isinstance(node, ast.ClassDef)
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 1
            name = f"{'class' if holds else 'def'} {node.name}"
            found.append(_Declaration(name, first, node.col_offset, holds, (node.end_lineno or node.lineno) - 1))
            if holds:
                stack.extend(reversed(node.body))
        elif isinstance(node, ast.If | ast.Try | ast.With):
            stack.extend(reversed([*node.body, *getattr(node, "orelse", [])]))
    return found


# -- other languages -------------------------------------------------------------------------------------------------

_MODIFIERS = (
    r"(?:(?:export|default|public|private|protected|internal|static|final|abstract|sealed|partial|open|data|inline|"
    r"virtual|override|async|unsafe|extern|const|constexpr|suspend|mutating|local|declare|readonly|"
    r"pub(?:\([\w: ]{1,40}\))?|"
    r"case|implicit|lazy|inner|companion|fileprivate|@\w{1,60}(?:\([^()]{0,80}\))?|template\s*<[^<>]{0,120}>)\s+){0,8}"
)
_HOLDER = re.compile(
    r"(\s*)" + _MODIFIERS + r"(class|interface|struct|enum(?:\s+class)?|trait|impl|namespace|module|object|record|"
    r"protocol|extension|union|mod|service|message|defmodule|"
    r"package\s+body)(?:<[^<>]{0,80}>)?\s+([\w.$:<>,&' ]{1,120}?)\s*"
    r"(?:[({:=]|\b(?:extends|implements|for|where|do|with)\b|$)"
)
_FUNCTION = re.compile(
    r"(\s*)" + _MODIFIERS + r"(function\*?|func|fn|def|defp|fun|sub|proc|procedure|macro|macro_rules!|"
    r"rpc|defun|defn|defmacro)\s*(\([^()]{0,80}\)\s*)?([\w.$:!?=<>~+*/\[\]%^&|-]{1,100}?)\s*(?:<[^<>]{0,80}>)?(?=[\s({\[;]|$)"
)
_LISP = re.compile(
    r"(\s*)\((defun|defn-?|defmacro|defmethod|define|defclass|ns|defprotocol|defrecord)\s+\(?([^\s()]{1,100})"
)
_ARROW = re.compile(
    r"(\s*)(?:export\s+)?(?:default\s+)?(?:const|let|var)\s+([\w$]{1,80})\s*(?::[^=]{0,120})?=\s*"
    r"(?:async\s+)?(?:function\b|\([^()]{0,200}\)\s*(?::[^=]{0,80})?=>|[\w$]{1,60}\s*=>)"
)
_METHOD = re.compile(  # name(…) {   within a class of JavaScript and TypeScript
    r"(\s+)(?:(?:static|async|get|set|public|private|protected|readonly|override)\s+|\*\s*){0,4}(#?[\w$]{1,80})\s*"
    r"\([^()]{0,200}\)\s*(?::[^{]{1,120})?\{\s*$"
)
_TYPED = re.compile(  # type name(…)   of the C family, Java, C#
    r"(\s*)(?:[\w:<>,*&\[\]~?.@]{1,100}\s+(?:[*&]{1,2})?){1,7}?([\w:~]{1,100}|operator\s*\S{1,3})\s*\((?=[^;]*$)"
)
_SHELL = re.compile(r"()(?:function\s+)?([\w:.-]{1,80})\s*\(\)\s*\{?\s*$")
_R = re.compile(r"(\s*)([\w.]{1,80})\s*(?:<-|=)\s*function\s*\(")
_SQL = re.compile(
    r"(\s*)(create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+|unique\s+|materialized\s+)?"
    r"(?:table|view|function|procedure|trigger|index|type|schema)\s+(?:if\s+not\s+exists\s+)?[\w.\"`\[\]]{1,100})",
    re.I,
)
_STATEMENTS = frozenset(
    words(
        "if else for while switch return catch do try throw new delete case sizeof using typedef goto elif when "
        "foreach await yield assert print and or not in is lock defined import from raise with default"
    )
)
_TYPED_SUFFIXES = frozenset(words(".c .h .cc .cpp .cxx .hpp .hh .cs .java .m .mm .dart .groovy .gradle"))
_SCRIPT_SUFFIXES = frozenset(words(".js .mjs .cjs .ts .tsx .jsx"))
_LISP_SUFFIXES = frozenset(words(".lisp .clj .el"))


def _declared(lines: Sequence[str], suffix: str) -> Iterator[_Declaration]:
    """The declarations by the rule for lines; functions within functions are left out."""
    open_: list[_Declaration] = []
    for number, line in enumerate(lines):
        if not line or len(line) > _MAX_LINE or line.isspace():
            continue
        indent = len(line) - len(line.lstrip())
        while open_ and open_[-1].indent >= indent and line.strip() not in ("{", "{{"):
            open_.pop()
        if open_ and not open_[-1].holds:
            continue
        found = _declaration(line, suffix, bool(open_))
        if found is not None:
            each = _Declaration(found[0], number, indent, found[1])
            open_.append(each)
            yield each


def _declaration(line: str, suffix: str, inside: bool) -> tuple[str, bool] | None:
    """Name, and whether it holds others, of what a line declares; None when it declares nothing."""
    bare = line.lstrip()
    if not bare[:1].isalpha() and bare[:1] not in "_#@(*~$[":
        return None
    if bare.startswith(("#", "//", "/*", "* ")) and suffix not in _SCRIPT_SUFFIXES:
        return None
    if suffix in _LISP_SUFFIXES:
        match = _LISP.match(line)
        return (f"{match[2]} {match[3]}", False) if match else None
    if suffix == ".sql":
        match = _SQL.match(line)
        return (" ".join(match[2].split()), False) if match else None
    if match := _HOLDER.match(line):
        return " ".join(f"{match[2]} {match[3]}".split()), True
    if match := _FUNCTION.match(line):
        receiver = f"{match[3].strip()} " if match[3] else ""
        return f"{match[2]} {receiver}{match[4]}", False
    return _unmarked(line, suffix, inside)


def _unmarked(line: str, suffix: str, inside: bool) -> tuple[str, bool] | None:
    """Declarations that no word announces, in the languages that have them."""
    if suffix in _SCRIPT_SUFFIXES:
        match = _ARROW.match(line) or (_METHOD.match(line) if inside else None)
    elif suffix in _TYPED_SUFFIXES:
        match = _TYPED.match(line)
        if match and (_is_statement(line) or line.split("(", 1)[0].split()[0] in _STATEMENTS):
            return None
        if match and "=" in line.split("(", 1)[0] and "operator" not in line:
            return None
    elif suffix in (".sh", ".bash", ".zsh", ".fish"):
        match = _SHELL.match(line)
    else:
        match = _R.match(line) if suffix == ".r" else None
    if match is None or match[2] in _STATEMENTS:
        return None
    return f"{match[2]}()", False


def _is_statement(line: str) -> bool:
    """Whether a line of the C family ends as a statement or argument does; a list of parameters may go on below."""
    bare = line.rstrip()
    return bare.endswith(";") or (bare.endswith(",") and bare.count("(") <= bare.count(")"))


def _close(found: Sequence[_Declaration], lines: Sequence[str]) -> None:
    """Let each declaration end where the next one begins that is indented no deeper."""
    waiting: list[_Declaration] = []
    for each in found:
        while waiting and waiting[-1].indent >= each.indent:
            waiting.pop().last = each.line - 1
        waiting.append(each)
    for each in waiting:
        each.last = len(lines) - 1
