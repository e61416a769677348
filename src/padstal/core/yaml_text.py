"""YAML as DVC reads it: version 1.2, through the same library, so that no value has two readings."""

from typing import Any

from ruamel.yaml import YAML, YAMLError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent
from ruamel.yaml.nodes import MappingNode, ScalarNode

from padstal.core.secrets import looks_secret, redact

DEEPEST = 1000
"""Mappings and lists within each other; the library's C code dies of some ten thousand."""
SHOWN = 300
"""Characters of a line in a message."""


class YamlTextError(ValueError):
    """A text that is no YAML; the message says where and why, and repeats no secret."""


def parse_yaml(text: str | bytes) -> Any:
    """The content of a YAML text; None where it is empty.

    Raises:
        YamlTextError: It is none, has a key twice, or a value that its tag or form does not allow.
    """
    try:
        if _too_deep(text):
            raise YamlTextError(f"not valid YAML: more than {DEEPEST} mappings and lists within each other")
        return YAML(typ="safe").load(text)
    except YamlTextError:
        raise
    except MarkedYAMLError as error:
        raise YamlTextError(_marked(error, text)) from None
    except YAMLError as error:
        raise YamlTextError(f"not valid YAML: {str(error).splitlines()[0]}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:  # a value that cannot be made
        raise YamlTextError(f"not valid YAML: {_unmade(text) or f'{type(error).__name__}: {error}'}") from None


def _too_deep(text: str | bytes) -> bool:
    """Whether mappings and lists lie more than `DEEPEST` within each other; looks only where so many are begun."""
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    depth = 0
    if sum(map(shown.count, ("[", "{", "- ", "? "))) > DEEPEST:
        for event in YAML(typ="safe").parse(text):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if depth > DEEPEST:
                return True
    return False


def _marked(error: MarkedYAMLError, text: str | bytes) -> str:
    problem = (error.problem or error.context or "unreadable").splitlines()[0].partition(" with value ")[0]
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return f"not valid YAML: {problem}"
    shown = text.decode(errors="replace") if isinstance(text, bytes) else text
    lines = enumerate(shown.splitlines(), 1)
    written = [(number, redact(line.strip())[:SHOWN]) for number, line in lines if line.strip()[:1] not in ("", "#")]
    here = "".join(f" at line {number} ({line})" for number, line in written if number == mark.line + 1)
    before = [f", after line {number} ({line})" for number, line in written if number <= mark.line]
    begun = error.context_mark.line + 1 if error.context_mark else mark.line + 1
    within = [f", in what begins at line {number} ({line})" for number, line in written if number == begun <= mark.line]
    return f"not valid YAML{here}{''.join(within or before[-1:])}: {problem}"


def _unmade(text: str | bytes) -> str:
    """The key path of the first value that cannot be made, and why; "" where none is found."""
    reader, seen = YAML(typ="safe", pure=True), set[int]()

    def first(node: Any, at: str) -> str:
        if id(node) in seen:  # an alias
            return ""
        seen.add(id(node))
        if isinstance(node, ScalarNode):
            try:
                reader.constructor.construct_object(node)
            except (ValueError, LookupError, TypeError, AttributeError) as error:
                if looks_secret(at):
                    return f"{at}: not what its tag says"
                return f"{at} = {redact(node.value)[:SHOWN]}: {redact(str(error))[:SHOWN]}"
            return ""
        keyed = node.value if isinstance(node, MappingNode) else enumerate(node.value)
        named = ((getattr(key, "value", key), child) for key, child in keyed)
        found = (first(child, f"{at}.{key}" if at else str(key)) for key, child in named if isinstance(key, str | int))
        return next(filter(None, found), "")

    try:
        return first(reader.compose(text), "")
    except (YAMLError, RecursionError):
        return ""
