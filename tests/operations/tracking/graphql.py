"""As much of GraphQL as W&B's client speaks: a query is read, and its selection is cut out of Python values.

A value is a mapping (its keys are fields; a callable one gets the field's arguments), a list or a scalar. A field that
the value does not have is null.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(r'"""(?:.|\n)*?"""|"(?:\\.|[^"\\])*"|\.\.\.|[{}()\[\]:=!$@|&]|-?\d+(?:\.\d+)?|\w+|#[^\n]*')


@dataclass
class Field:
    """One field, inline fragment (`name` empty) or spread (`spread` names the fragment) of a selection."""

    name: str = ""
    alias: str = ""
    spread: str = ""
    on: str = ""
    arguments: dict[str, Any] = field(default_factory=dict)
    directives: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    selection: list["Field"] = field(default_factory=list)


@dataclass(frozen=True)
class Variable:
    name: str


class Document:
    """A parsed request: one operation and its fragments."""

    def __init__(self, text: str):
        self._tokens = [token for token in _TOKEN.findall(text) if not token.startswith("#")]
        self._at = 0
        self.fragments: dict[str, list[Field]] = {}
        self.kind, self.operation, self.roots = "", "", []
        self._defaults: dict[str, Any] = {}
        while self._at < len(self._tokens):
            self._definition()

    def execute(self, root: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
        """The answer's `data`."""
        return self._cut(root, self.roots, {**self._defaults, **variables})

    def _next(self, expected: str = "") -> str:
        token = self._tokens[self._at]
        assert not expected or token == expected, f"expected {expected}, found {token}"
        self._at += 1
        return token

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _definition(self) -> None:
        if self._peek() == "fragment":
            self._next()
            name = self._next()
            self._next("on"), self._next()
            self.fragments[name] = self._selection()
            return
        self.kind = "query"
        if self._peek() != "{":
            self.kind = self._next()
            if self._peek() not in ("(", "{"):
                self.operation = self._next()
            if self._peek() == "(":
                self._variables()
        self.roots = self._selection()

    def _variables(self) -> None:
        self._next("(")
        while self._peek() != ")":
            self._next("$")
            name = self._next()
            self._next(":")
            while self._peek() not in ("$", ")", "="):
                self._next()
            if self._peek() == "=":
                self._next()
                self._defaults[name] = self._value()
        self._next(")")

    def _selection(self) -> list[Field]:
        self._next("{")
        found = []
        while self._peek() != "}":
            found.append(self._field())
        self._next("}")
        return found

    def _field(self) -> Field:
        one = Field()
        if self._peek() == "...":
            self._next()
            if self._peek() == "on":
                self._next()
                one.on = self._next()
            elif self._peek() not in ("{", "@"):
                one.spread = self._next()
        else:
            one.name = one.alias = self._next()
            if self._peek() == ":":
                self._next()
                one.name = self._next()
            if self._peek() == "(":
                one.arguments = self._arguments()
        while self._peek() == "@":
            self._next()
            one.directives.append((self._next(), self._arguments()))
        if self._peek() == "{" and not one.spread:
            one.selection = self._selection()
        return one

    def _arguments(self) -> dict[str, Any]:
        found = {}
        self._next("(")
        while self._peek() != ")":
            name = self._next()
            self._next(":")
            found[name] = self._value()
        self._next(")")
        return found

    def _value(self) -> Any:
        token = self._next()
        if token == "$":
            return Variable(self._next())
        if token == "[":
            return list(self._until("]"))
        if token == "{":
            found = {}
            while self._peek() != "}":
                name = self._next()
                self._next(":")
                found[name] = self._value()
            self._next("}")
            return found
        if token[0] == '"':
            return token[1:-1]
        constants: dict[str, Any] = {"true": True, "false": False, "null": None}
        return constants.get(token, int(token) if re.fullmatch(r"-?\d+", token) else token)

    def _until(self, end: str) -> Iterator[Any]:
        while self._peek() != end:
            yield self._value()
        self._next(end)

    def _cut(self, value: Any, selection: list[Field], variables: Mapping[str, Any]) -> Any:
        if not selection or value is None:
            return value
        if isinstance(value, list | tuple):
            return [self._cut(item, selection, variables) for item in value]
        answer: dict[str, Any] = {}
        for one in selection:
            if not self._wanted(one, variables):
                continue
            if one.name:
                found = value.get(one.name)
                found = found(**_filled(one.arguments, variables)) if callable(found) else found
                found = self._cut(found, one.selection, variables)
                before = answer.get(one.alias)
                answer[one.alias] = {**before, **found} if isinstance(before, dict) and found else found
            elif not one.on or one.on == value.get("__typename", one.on) or one.on in value.get("__interfaces", ()):
                inner = self.fragments[one.spread] if one.spread else one.selection
                for name, part in self._cut(value, inner, variables).items():
                    before = answer.get(name)
                    answer[name] = {**before, **part} if isinstance(before, dict) and isinstance(part, dict) else part
        return answer

    def _wanted(self, one: Field, variables: Mapping[str, Any]) -> bool:
        for name, arguments in one.directives:
            condition = bool(_filled(arguments, variables).get("if"))
            if condition != (name == "include"):
                return False
        return True


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, Variable):
        return variables.get(value.name)
    if isinstance(value, dict):
        return {name: _filled(item, variables) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, variables) for item in value]
    return value
