"""A table of kinds: the one place that lists the variants of a concept (solvers, backbones, …) by name.

    SOLVERS = Kinds("solver", Ddim, Euler)                 # each a `Section` with `kind: Literal["ddim"] = "ddim"`
    class Setting(Section):
        solver: Annotated[Solver, SOLVERS]                 # in params: {kind: ddim, eta: 0.5}
    SOLVERS.add(Heun)                                      # a new one: its own file, and this line

What params say is then the object that does the work: there is no second record with the same fields.
"""

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from padstal.core.section import Section


class Kinds:
    """Variants of one concept by the name that params give them; also the pydantic type of a field that holds one."""

    def __init__(self, what: str, *members: type[Section]):
        self.what = what
        self._members: dict[str, type[Section]] = {}
        for member in members:
            self.add(member)

    def add(self, member: type[Section]) -> type[Section]:
        """Take a kind in; gives it back, so that it can decorate the class.

        Raises:
            ValueError: Another class has its name, or it has no `kind: Literal["name"]`.
        """
        field = member.model_fields.get("kind")
        names = get_args(field.annotation) if field else ()
        if len(names) != 1:
            raise ValueError(f'{member.__name__}: expected a field kind: Literal["name"] = "name"')
        if self._members.setdefault(names[0], member) is not member:
            raise ValueError(f"{self.what} {names[0]!r}: there is one of that name, {self._members[names[0]].__name__}")
        return member

    @property
    def names(self) -> tuple[str, ...]:
        """Of all kinds, in the order of the table."""
        return tuple(self._members)

    @property
    def members(self) -> tuple[type[Section], ...]:
        """All kinds, in the order of the table."""
        return tuple(self._members.values())

    def parse(self, raw: Any) -> Section:
        """The kind that `raw` names, checked; one that is made already stays as it is.

        Raises:
            ValueError: No mapping, no such kind, or (pydantic's `ValidationError`) wrong values.
        """
        if isinstance(raw, Section) and type(raw) in self._members.values():
            return raw
        name = raw.get("kind") if isinstance(raw, Mapping) else None
        if not isinstance(name, str) or name not in self._members:
            found = f"kind = {name!r}" if isinstance(raw, Mapping) else repr(raw)
            raise ValueError(f"{found}: expected a {self.what}, {{kind: …}} with one of {', '.join(self.names)}")
        return self._members[name].model_validate(raw)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)
