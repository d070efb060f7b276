"""Values of parameters: from what came over a wire to what an operation's type says."""

import re
from collections.abc import Mapping
from typing import Any

from .declare import AtLeast, Fields, Matching, OneOf, Parameter, Required
from .errors import InvalidParameter

TRUE = {"true", "yes", "on", "1", "y", "t"}
FALSE = {"false", "no", "off", "0", "n", "f", ""}

# Numbers are of 32 bits in ARI; so many characters of a bad value are shown.
GREATEST = 2**31 - 1
DEEPEST = 32
SHOWN = 40


def read_value(parameter: Parameter, raw: Mapping[str, Any]) -> Any:
    """The parameter's value, its default where it is not given.

    Raises :class:`InvalidParameter` where it is missing, of the wrong type, or not allowed.
    """
    fields = parameter.note(Fields)
    if fields is not None:
        return {name: raw[name] for name in fields.names if name in raw}
    (wire,) = parameter.wire[-1:]
    given = raw.get(wire)
    required = parameter.note(Required)
    if given is None or (given == "" and required is not None):
        return default_value(parameter)
    if parameter.many:
        return [_one(parameter, wire, value) for value in several(given)]
    return _one(parameter, wire, first(given))


def first(given: Any) -> Any:
    """The first of a repeated parameter; what is not repeated as it is."""
    return (given[0] if given else "") if isinstance(given, list) else given


def default_value(parameter: Parameter) -> Any:
    """The default of a parameter that was not given. Raises where there is none."""
    if not parameter.required:
        return parameter.default
    required = parameter.note(Required)
    raise InvalidParameter(
        required.message if required else f"Missing parameter {parameter.wire[-1]}"
    )


def several(given: Any) -> list[Any]:
    """A list as ARI clients write it: commas, repeated parameters, a JSON list, or all of them."""
    items = given if isinstance(given, list) else [given]
    parts: list[Any] = []
    for item in items:
        parts += [part for part in item.split(",") if part] if isinstance(item, str) else [item]
    return parts


def _one(parameter: Parameter, wire: str, given: Any) -> Any:
    value = _typed(parameter.value_type, wire, given)
    one_of = parameter.note(OneOf)
    if one_of is not None and value not in one_of.values:
        raise one_of.error(
            one_of.message.format(value=value),
            detail=f"{wire} must be one of {', '.join(one_of.values)}",
        )
    least = parameter.note(AtLeast)
    if least is not None and value < least.least:
        raise InvalidParameter(least.message)
    matching = parameter.note(Matching)
    if matching is not None and re.fullmatch(matching.pattern, value) is None:
        raise InvalidParameter(matching.message)
    return value


def _typed(wanted: Any, wire: str, given: Any) -> Any:
    if wanted is dict or getattr(wanted, "__origin__", None) is dict:
        return _mapping(wire, given)
    if wanted is bool:
        return _boolean(wire, given)
    if wanted is int:
        return _integer(wire, given)
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise InvalidParameter(f"{wire} must be text")
    return str(given)


def _mapping(wire: str, given: Any) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise InvalidParameter(f"{wire} must be a JSON object")
    if _is_deep(given):
        raise InvalidParameter(f"{wire} is nested more than {DEEPEST} times")
    return given


def _is_deep(value: Any) -> bool:
    """Whether it is nested deeper than who writes it again may want to follow."""
    level = [value]
    for _ in range(DEEPEST):
        nested = [item for item in level if isinstance(item, dict | list)]
        if not nested:
            return False
        level = [
            inner
            for item in nested
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return True


def _boolean(wire: str, given: Any) -> bool:
    if isinstance(given, bool):
        return given
    text = str(given).lower()
    if text in TRUE:
        return True
    if text in FALSE:
        return False
    raise InvalidParameter(f"{wire} must be true or false, not {text[:SHOWN]!r}")


def _integer(wire: str, given: Any) -> int:
    value = given
    if isinstance(given, str) and re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", given):
        value = int(given)
    if not isinstance(value, int) or isinstance(value, bool):
        raise InvalidParameter(f"{wire} must be a whole number, not {str(given)[:SHOWN]!r}")
    if abs(value) > GREATEST:
        raise InvalidParameter(f"{wire} must be at most {GREATEST}")
    return value
