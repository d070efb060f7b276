"""The expressions of `$[ ]`: Asterisk's operators with their precedence and types.

From loose to tight: `? ::`, `|`, `&`, `= != < > <= >=`, `+ -`, `* / %`, unary `! -`,
`: =~ ~~`. All binary ones group to the left. `||`, `&&` and `==` are other spellings.

A value is text, and a number too if it was written as one without quotes or computed. Two numbers
are compared as numbers, anything else as text, quotes included: `"1" = 1` is false. Nothing
is short-circuited. Text where a number is needed counts as Asterisk counts it: left out of
`+` and `-`, zero in `*`, and division by zero is 2147483647.
"""

import re
from collections.abc import Callable
from decimal import Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from typing import NamedTuple

from stasisd.dialplan.regular import RegularExpressionError, compile_regular, search

MAX_LENGTH = 8_192

# As wide as the 80-bit floats Asterisk computes with: 19 digits inside, 18 shown.
_TRAPS: list[type[DecimalException]] = [InvalidOperation, DivisionByZero, Overflow]
_COMPUTING = Context(prec=19, Emax=4932, Emin=-4932, traps=[*_TRAPS])
_SHOWN = Context(prec=18, Emax=4932, Emin=-4932, traps=[*_TRAPS])

_TOKEN = re.compile(
    r"""(?P<blank>[ \t\r\n]+)
    | (?P<operator>\|\| | && | == | =~ | ~~ | >= | <= | != | :: | [|&=<>+\-*/%?!:()])
    | (?P<text> "[^"]*" | (?:[A-Za-z0-9.';\\_^#@\x80-\U0010ffff]|\$[^{])+ )""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_SPELLINGS = {"||": "|", "&&": "&", "==": "="}


class ExpressionError(ValueError):
    """An expression is malformed or can't be computed; the text says where or why."""


class Value(NamedTuple):
    """What an expression is made of: its text, and its number if it has one."""

    text: str
    number: Decimal | None = None

    @property
    def is_zero_or_empty(self) -> bool:
        """Whether this is no text at all or the number zero."""
        return self.text == "" or self.number == 0

    @property
    def unquoted(self) -> str:
        """The text, without the quotes around it."""
        text = self.text
        is_quoted = len(text) > 1 and text[0] == text[-1] == '"'
        return text.replace('"', "") if is_quoted else text


def evaluate(text: str) -> str:
    """Compute an expression whose variables are already substituted. Raise ExpressionError."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"longer than {MAX_LENGTH} characters")
    machine = _Machine()
    at = 0
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise ExpressionError(f"{text[at]!r} at {at + 1} has no meaning here: quote it")
        at = token.end()
        if token["operator"]:
            machine.operator(_SPELLINGS.get(token["operator"], token["operator"]))
        elif token["text"]:
            machine.operand(_value(token["text"]))
    return machine.result().text


def _value(text: str) -> Value:
    try:
        return Value(text, _COMPUTING.create_decimal(text) if _NUMBER.fullmatch(text) else None)
    except DecimalException:
        raise ExpressionError(f"{text[:20]}... is too large a number") from None


class _Machine:
    """Dijkstra's shunting yard: operators wait on a stack until a looser one comes."""

    def __init__(self) -> None:
        self._values: list[Value] = []
        self._operators: list[str] = []
        self._wants_operand = True

    def operand(self, value: Value) -> None:
        if not self._wants_operand:
            raise ExpressionError(f"an operator is missing before {value.text[:40]}")
        self._values.append(value)
        self._wants_operand = False

    def operator(self, operator: str) -> None:
        if self._wants_operand:
            self._prefix(operator)
        elif operator == ")":
            self._reduce_to("(", "a ) without its (")
        elif operator in {"(", "!"}:
            raise ExpressionError(f"an operator is missing before {operator}")
        else:
            self._infix(operator)

    def result(self) -> Value:
        if not self._values and not self._operators:
            return Value("")
        if self._wants_operand:
            raise ExpressionError("a value is missing at the end")
        self._reduce(0)
        if self._operators:
            raise ExpressionError("a ( without its )" if self._operators[-1] == "(" else _NO_ELSE)
        return self._values[0]

    def _prefix(self, operator: str) -> None:
        if operator not in _PREFIX:
            raise ExpressionError(f"a value is missing before {operator}")
        self._operators.append(_PREFIX[operator])

    def _infix(self, operator: str) -> None:
        if operator == "::":
            self._reduce_to("?", "a :: without its ?")
            self._operators.append("?::")
        else:
            self._reduce(_PRECEDENCE[operator])
            self._operators.append(operator)
        self._wants_operand = True

    def _reduce_to(self, opener: str, complaint: str) -> None:
        self._reduce(0)
        if not self._operators or self._operators[-1] != opener:
            raise ExpressionError(complaint)
        self._operators.pop()

    def _reduce(self, precedence: int) -> None:
        """Apply what binds at least this tightly, down to an open ( or ?."""
        while self._operators and self._operators[-1] not in {"(", "?"}:
            if _PRECEDENCE[self._operators[-1]] < precedence:
                return
            operation = _OPERATIONS[self._operators.pop()]
            count = operation.operands
            operands = self._values[-count:]
            self._values[-count:] = [_apply(operation, operands)]


class _Operation(NamedTuple):
    operands: int
    compute: Callable[..., Value]


def _apply(operation: _Operation, operands: list[Value]) -> Value:
    try:
        return operation.compute(*operands)
    except DecimalException:
        raise ExpressionError("the numbers are too large") from None
    except RegularExpressionError as error:
        raise ExpressionError(f"the regular expression: {error}") from None


def _computed(number: Decimal | int) -> Value:
    exact = _COMPUTING.create_decimal(number)
    return Value(_shown(exact), exact)


def _shown(number: Decimal) -> str:
    """Write a number as C's %.18Lg does: 18 digits, no trailing zeros, exponent when far off."""
    short = _SHOWN.normalize(number)
    if short == 0:
        return "0"
    exponent = short.adjusted()
    if -4 <= exponent < 18:
        return f"{short:f}"
    digits = "".join(map(str, short.as_tuple().digits))
    mantissa = digits[0] + ("." + digits[1:] if len(digits) > 1 else "")
    return f"{'-' if short < 0 else ''}{mantissa}e{exponent:+03d}"


def _or(left: Value, right: Value) -> Value:
    return right if left.is_zero_or_empty else left


def _and(left: Value, right: Value) -> Value:
    return _computed(0) if left.is_zero_or_empty or right.is_zero_or_empty else left


def _conditional(condition: Value, then: Value, otherwise: Value) -> Value:
    return otherwise if condition.is_zero_or_empty or condition.text == '""' else then


def _comparison(holds: Callable[[int], bool]) -> Callable[[Value, Value], Value]:
    def compare(left: Value, right: Value) -> Value:
        if left.number is not None and right.number is not None:
            order = int(_COMPUTING.compare(left.number, right.number))
        else:
            order = (left.text > right.text) - (left.text < right.text)
        return _computed(int(holds(order)))

    return compare


def _plus(left: Value, right: Value) -> Value:
    if left.number is None:
        return right if right.number is not None else _computed(0)
    return left if right.number is None else _computed(_COMPUTING.add(left.number, right.number))


def _minus(left: Value, right: Value) -> Value:
    if right.number is None:
        return left if left.number is not None else _computed(0)
    return _computed(_COMPUTING.subtract(left.number or Decimal(0), right.number))


def _times(left: Value, right: Value) -> Value:
    if left.number is None or right.number is None:
        return _computed(0)
    return _computed(_COMPUTING.multiply(left.number, right.number))


def _divided(left: Value, right: Value) -> Value:
    if left.number is None:
        return _computed(0)
    if not right.number:
        return _computed(2_147_483_647)
    return _computed(_COMPUTING.divide(left.number, right.number))


def _remainder(left: Value, right: Value) -> Value:
    if left.number is None or not right.number:
        return _computed(0)
    return _computed(_COMPUTING.remainder(left.number, right.number))


def _negated(value: Value) -> Value:
    return _computed(_COMPUTING.minus(value.number or Decimal(0)))


def _not(value: Value) -> Value:
    """Turn zero, the empty text and text that does not begin with a number into 1, else 0."""
    leading = re.match(r"\s*[+-]?0*[1-9]", value.text)
    is_true = bool(value.number) if value.number is not None else leading is not None
    return _computed(int(not is_true))


def _joined(left: Value, right: Value) -> Value:
    return _value(left.unquoted + right.unquoted)


def _matched(*, anchored: bool) -> Callable[[Value, Value], Value]:
    def match(left: Value, right: Value) -> Value:
        program = compile_regular(right.unquoted)
        found = search(program, left.unquoted, anchored=anchored)
        if found is None:
            return Value("") if program.groups else _computed(0)
        if found.group is not None:
            return _value(found.group)
        return _computed(found.end - found.start)

    return match


_NO_ELSE = "a ? without its ::"
_PREFIX = {"(": "(", "-": "negate", "!": "not"}
_PRECEDENCE = {
    "?::": 1, "?": 1,
    "|": 2,
    "&": 3,
    "=": 4, "!=": 4, "<": 4, ">": 4, "<=": 4, ">=": 4,
    "+": 5, "-": 5,
    "*": 6, "/": 6, "%": 6,
    "negate": 7, "not": 7,
    ":": 8, "=~": 8, "~~": 8,
}  # fmt: skip
_OPERATIONS = {
    "?::": _Operation(3, _conditional),
    "|": _Operation(2, _or),
    "&": _Operation(2, _and),
    "=": _Operation(2, _comparison(lambda order: order == 0)),
    "!=": _Operation(2, _comparison(lambda order: order != 0)),
    "<": _Operation(2, _comparison(lambda order: order < 0)),
    ">": _Operation(2, _comparison(lambda order: order > 0)),
    "<=": _Operation(2, _comparison(lambda order: order <= 0)),
    ">=": _Operation(2, _comparison(lambda order: order >= 0)),
    "+": _Operation(2, _plus),
    "-": _Operation(2, _minus),
    "*": _Operation(2, _times),
    "/": _Operation(2, _divided),
    "%": _Operation(2, _remainder),
    "negate": _Operation(1, _negated),
    "not": _Operation(1, _not),
    ":": _Operation(2, _matched(anchored=True)),
    "=~": _Operation(2, _matched(anchored=False)),
    "~~": _Operation(2, _joined),
}
