"""Where keys stand in a TOML text."""

import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stasisd.config.lines import line_of, lines_of
from tests.config.support import places_of

NAMES = st.sampled_from(["a", "b", '"c d"', "'e.f'"])
KEYS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)
VALUES = st.sampled_from(
    ["1", '"#["', "[]", "[\n1,\n[2]\n]", "{}", "{ x.y = 1, z = [{ w = 1 }] }", '"""\n[t]\n"""']
)
STATEMENTS = st.one_of(
    st.tuples(KEYS, VALUES).map(" = ".join),
    KEYS.map("[{}]".format),
    KEYS.map("[[{}]]".format),
    st.sampled_from(["", "# [remark", "\t"]),
)


def test_lines_of_every_way_to_write_a_key() -> None:
    text = """\
top = 1
a.b = 2
[plain.sub]          # a remark
key = "[not a header]"
many = [
  1,
  { x = 1 },
]
"quo.ted" = '''
[neither]
'''
[[array]]
name = 1
[[array.inner]]
deep = 1
[[array.inner]]
deep = 2
[[array]]
name = 2
[array.table]
t = 1
[ "q u" . 'o' ]
last = { i = { j = 1 }, k = 2 }
"""
    expected: dict[tuple[Any, ...], int] = {
        ("top",): 1,
        ("a",): 2,
        ("a", "b"): 2,
        ("plain",): 3,
        ("plain", "sub", "key"): 4,
        ("plain", "sub", "many", 1, "x"): 5,
        ("plain", "sub", "quo.ted"): 9,
        ("array", 0, "name"): 13,
        ("array", 0, "inner", 0, "deep"): 15,
        ("array", 0, "inner", 1, "deep"): 17,
        ("array", 1): 18,
        ("array", 1, "name"): 19,
        ("array", 1, "table"): 20,
        ("array", 1, "table", "t"): 21,
        ("q u", "o"): 22,
        ("q u", "o", "last", "i", "j"): 23,
        ("q u", "o", "last", "k"): 23,
    }
    lines = lines_of(text)
    assert {path: lines[path] for path in expected} == expected


def test_a_key_that_was_not_written_is_where_its_table_is() -> None:
    lines = lines_of("\n\n[a.b]\nc = 1\n")
    assert line_of(lines, ("a", "b", "x", "y")) == 3
    assert line_of(lines, ("z",)) == 1


@given(st.lists(STATEMENTS, max_size=12).map("\n".join))
def test_every_key_of_any_toml_has_a_line(text: str) -> None:
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = lines_of(text)
    assert places_of(table) <= set(lines)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())
