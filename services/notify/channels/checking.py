"""Whether words an administrator wrote can be said: only known variables, nothing missing, and nothing but text, `if`
and filters; each fault with its place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, TemplateError, TemplateSyntaxError, nodes

from services.notify.channels.variables import MUST_SAY, VARIABLES, example, optional
from services.notify.channels.wording import Source, Words, environment_of, source_of

TITLE_CHARACTERS_MAX = 80
TEXT_CHARACTERS_MAX = 500
FILTERS = frozenset(
    {"clock", "minutes", "term", "terms", "capitalize", "default", "length", "upper", "lower"}
)
ALLOWED = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Filter,
    nodes.If,
    nodes.CondExpr,
    nodes.Not,
    nodes.And,
    nodes.Or,
    nodes.Compare,
    nodes.Operand,
    nodes.Const,
)
"""No loops, calls or attributes: words need none, and a loop could keep the whole service busy."""


@dataclass(frozen=True, slots=True)
class Fault:
    """`field` is `title` or `text`; `line` and `column` count from 1. `says` is `中文 / English`."""

    field: str
    line: int
    column: int | None
    code: str
    says: str


def faults_of(source: Source, words: Words, zone: str) -> list[Fault]:
    """What keeps these words from being said; empty if nothing does."""
    environment = environment_of(source.language, zone)
    found = [
        *_of_one("title", words.title, source, environment),
        *_of_one("text", words.text, source, environment),
    ]
    if found:
        return found
    missing = MUST_SAY.get((source.audience, source.kind), frozenset()) - _used(words, environment)
    found = [_missing(name) for name in sorted(missing)]
    return found or list(_when_said(source, words, environment))


def preview(source: Source, words: Words, zone: str) -> Words:
    """These words with example data."""
    environment = environment_of(source.language, zone)
    known = _known(source)
    return Words(
        environment.from_string(words.title).render(known), environment.from_string(words.text).render(known)
    )


def _known(source: Source) -> dict[str, Any]:
    every = example(source.language)
    return {name: every.get(name) for name in VARIABLES[source.audience, source.kind]}


def _of_one(field: str, written: str, source: Source, environment: Environment) -> Iterator[Fault]:
    most = TITLE_CHARACTERS_MAX * 4 if field == "title" else TEXT_CHARACTERS_MAX * 4
    if len(written) > most:
        yield Fault(field, 1, None, "too-long", f"模板太长，至多 {most} 字 / longer than {most} characters")
        return
    try:
        tree = environment.parse(written)
    except TemplateSyntaxError as wrong:
        yield Fault(field, wrong.lineno, None, "syntax", f"写法有误：{wrong.message} / {wrong.message}")
        return
    known = VARIABLES[source.audience, source.kind]
    for node in _walk(tree):
        if not isinstance(node, ALLOWED):
            name = type(node).__name__.lower()
            yield Fault(field, node.lineno, None, "not-allowed", f"不能使用 {name} / {name} cannot be used")
        elif isinstance(node, nodes.Name) and node.name not in known:
            yield _unknown(field, written, node, sorted(known))
        elif isinstance(node, nodes.Filter):
            yield from _filter_faults(field, written, node, source)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    for below in node.iter_child_nodes():
        yield from _walk(below)


def _unknown(field: str, written: str, node: nodes.Name, known: list[str]) -> Fault:
    says = f"没有变量 {node.name}，可用：{'、'.join(known)} / no variable {node.name}; there are: {', '.join(known)}"
    return Fault(field, node.lineno, _column(written, node.lineno, node.name), "unknown-variable", says)


def _filter_faults(field: str, written: str, node: nodes.Filter, source: Source) -> Iterator[Fault]:
    if node.name not in FILTERS:
        says = f"没有过滤器 {node.name} / no filter {node.name}"
        yield Fault(field, node.lineno, _column(written, node.lineno, node.name), "unknown-filter", says)
    elif node.name in ("term", "terms"):
        given = node.args[0] if len(node.args) == 1 else None
        group = given.value if isinstance(given, nodes.Const) else None
        if group not in source_of(source.language)["terms"]:
            says = f"没有词组 {group} / no group of terms {group}"
            yield Fault(field, node.lineno, _column(written, node.lineno, str(group)), "unknown-terms", says)


def _column(written: str, line: int, name: str) -> int | None:
    lines = written.splitlines()
    place = lines[line - 1].find(name) if 0 < line <= len(lines) else -1
    return place + 1 if place >= 0 else None


def _used(words: Words, environment: Environment) -> set[str]:
    trees = (environment.parse(words.title), environment.parse(words.text))
    return {name.name for tree in trees for name in tree.find_all(nodes.Name)}


def _missing(name: str) -> Fault:
    says = f"缺少变量 {name} / the variable {name} is missing"
    return Fault("text", 1, None, "missing-variable", says)


def _when_said(source: Source, words: Words, environment: Environment) -> Iterator[Fault]:
    """With everything known, and with what may be missing missing: that must be asked for with `if`."""
    whole = _known(source)
    bare = {**whole, **dict.fromkeys(optional(source.audience, source.kind))}
    for field, written in (("title", words.title), ("text", words.text)):
        for known in (whole, bare):
            try:
                said = environment.from_string(written).render(known)
            except (
                TemplateError,
                ValueError,
                TypeError,
                ArithmeticError,
                LookupError,
                AttributeError,
            ) as wrong:
                yield _cannot_be_said(field, str(wrong))
                break
            if "None" in said:
                yield _cannot_be_said(field, "None")
                break
            yield from _shape_faults(field, said)


def _cannot_be_said(field: str, wrong: str) -> Fault:
    says = f"有时说不出来（{wrong}）：可能缺的变量先用 if 判断 / cannot always be said ({wrong}): ask with `if` first"
    return Fault(field, 1, None, "cannot-be-said", says)


def _shape_faults(field: str, said: str) -> Iterator[Fault]:
    if not said.strip():
        yield Fault(field, 1, None, "empty", "没有内容 / nothing is said")
    if field == "title" and "\n" in said:
        yield Fault(field, 1, None, "one-line", "标题只能一行 / a title is one line")
    most = TITLE_CHARACTERS_MAX if field == "title" else TEXT_CHARACTERS_MAX
    if len(said) > most:
        yield Fault(field, 1, None, "too-long", f"超过 {most} 字 / more than {most} characters")
