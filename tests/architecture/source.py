"""The tree as text and syntax, read once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
SERVICES = ("registry", "intake", "dispatch", "escalation", "notify", "insight")
PRODUCT = ("services", "shared", "deploy")


@dataclass(frozen=True)
class Source:
    """One Python file; `path` is relative to the project."""

    path: Path
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@cache
def sources(*folders: str) -> tuple[Source, ...]:
    found = (path for folder in folders for path in sorted((PROJECT / folder).rglob("*.py")))
    return tuple(_read(path) for path in found)


def _read(path: Path) -> Source:
    text = path.read_text(encoding="utf-8")
    return Source(path.relative_to(PROJECT), text, ast.parse(text, str(path)))


def calls(source: Source) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the dotted name it is written under: `datetime.now`, `CaseClosed`."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and (name := dotted(node.func)):
            yield name, node


def dotted(node: ast.expr) -> str:
    """`a.b.c`, or "" where it is not a plain name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def texts(source: Source) -> Iterator[ast.Constant]:
    """Every string that is not a docstring."""
    explaining = {
        id(node.value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explaining:
            yield node
