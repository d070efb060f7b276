from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stasisd.dialplan.matcher import Matcher
from stasisd.dialplan.parser import DialplanError, Problem, parse
from stasisd.dialplan.plan import Dialplan, Extension, Step

TARGET = Path(__file__).parent.parent / "compatibility" / "target" / "extensions.conf"


def plan(text: str) -> Dialplan:
    return parse(text, "extensions.conf")


def problems(text: str) -> list[str]:
    with pytest.raises(DialplanError) as raised:
        plan(text)
    assert str(raised.value) == "\n".join(str(problem) for problem in raised.value.problems)
    return [str(problem) for problem in raised.value.problems]


def only(dialplan: Dialplan) -> Extension:
    (context,) = dialplan.contexts.values()
    (extension,) = context.extensions
    return extension


def test_an_extension_is_read_into_steps() -> None:
    text = """
[default]
exten => 100,1,Answer()
 same => n(again),Playback(hello,noanswer)  ; a comment
 same = n+2,Goto(again)
exten = 100,hint,PJSIP/100&Custom:x
exten => 100, 20 (late) , NoOp
 same => n , Set(X=${IF($[1 > 0]?"a,b":c)})
"""
    extension = only(plan(text))
    assert extension == Extension(
        "100",
        None,
        (
            Step(1, "Answer", "", None, "extensions.conf", 3),
            Step(2, "Playback", "hello,noanswer", "again", "extensions.conf", 4),
            Step(5, "Goto", "again", None, "extensions.conf", 5),
            Step(20, "NoOp", "", "late", "extensions.conf", 7),
            Step(21, "Set", 'X=${IF($[1 > 0]?"a,b":c)}', None, "extensions.conf", 8),
        ),
        "PJSIP/100&Custom:x",
    )


def test_arguments_reach_from_the_first_parenthesis_to_the_last() -> None:
    extension = only(plan('[a]\nexten => s,1,Set(X=f(1) "(" \\; g(2)) ; end'))
    assert extension.steps[0].arguments == 'X=f(1) "(" ; g(2)'


def test_sections_may_be_continued() -> None:
    text = "[a]\nexten => 1,1,NoOp()\n[b]\n[a](+)\nexten => 1,2,NoOp()\n[a]\nexten => 2,1,NoOp()"
    dialplan = plan(text)
    assert [e.name for e in dialplan.contexts["a"].extensions] == ["1", "2"]
    assert [s.priority for s in dialplan.contexts["a"].extensions[0].steps] == [1, 2]
    assert dialplan.contexts["b"].extensions == ()


def test_general_and_globals_are_not_contexts() -> None:
    dialplan = plan("[General]\nstatic = yes\n[GLOBALS]\nA=1\nB => ${A}2${C}\n[globals]\nD=${B:1}")
    assert dialplan.contexts == {}
    assert dialplan.settings == {"static": "yes"}
    assert dialplan.variables == {"A": "1", "B": "12", "D": "2"}


def test_globals_stand_in_names_and_includes_but_not_in_arguments() -> None:
    dialplan = plan("[globals]\nN=10\nC=a\n[a]\nexten => ${N}0,1,NoOp(${N})\n[b]\ninclude => ${C}")
    assert dialplan.contexts["a"].extensions[0].name == "100"
    assert dialplan.contexts["a"].extensions[0].steps[0].arguments == "${N}"
    assert dialplan.contexts["b"].includes == ("a",)


def test_functions_in_globals_are_asked_of_the_caller() -> None:
    dialplan = parse("[globals]\nA=${ENV(HOME)}", "f", lambda name, text: f"<{name} {text}>")
    assert dialplan.variables == {"A": "<ENV HOME>"}


def test_n_counts_on_through_the_section_whatever_the_extension() -> None:
    dialplan = plan("[a]\nexten => 1,5,NoOp()\nexten => _X,n,NoOp()\n"
                    "exten => 2,s,NoOp()\nexten => 3,same(label),NoOp()")  # fmt: skip
    steps = {e.name: [s.priority for s in e.steps] for e in dialplan.contexts["a"].extensions}
    assert steps == {"1": [5], "2": [6], "3": [6], "_X": [6]}


def test_names_that_are_the_same_extension_share_their_steps() -> None:
    dialplan = plan("[a]\nexten => 5-55,1,NoOp()\nexten => 555,2,NoOp()\n"
                    "exten => _[23]X,1,NoOp()\nexten => _[2-3]x,2,NoOp()")  # fmt: skip
    assert [len(e.steps) for e in dialplan.contexts["a"].extensions] == [2, 2]


def test_caller_ids_are_split_off_and_cleaned() -> None:
    dialplan = plan("[a]\nexten => 1/(555) 12-34,1,NoOp()\nexten => 1/_[1-5]X.,1,NoOp()\n"
                    "exten => 1/,1,NoOp()\nexten => 1,1,NoOp()")  # fmt: skip
    callers = [e.caller_id for e in dialplan.contexts["a"].extensions]
    assert callers == ["", "5551234", "_[1-5]X.", None]


def test_a_comma_in_a_set_does_not_end_the_name() -> None:
    assert only(plan("[a]\nexten => _[1,2]X,1,NoOp()")).name == "_[1,2]X"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("exten => 1", "no priority in '1': write exten => name,priority,Application(arguments)"),
        ("exten => 1,1", "no application after the priority '1'"),
        ("exten => 1,1,", "'' is no application"),
        ("exten => 1,x,NoOp()", "'x' is no priority: write 1, n, n(label) or hint"),
        ("exten => 1,0,NoOp()", "priorities begin with 1"),
        ("exten => 1,1x,NoOp()", "'1x' is no priority"),
        ("exten => 1,²,NoOp()", "'²' is no priority"),
        ("exten => 1,n,NoOp()", "n follows no priority: write 1"),
        ("exten => 1,1(a,NoOp()", "the label (a needs its )"),
        ("exten => 1,1,NoOp(", "NoOp( needs its ) at the end"),
        ("exten => 1,1,NoOp() x", "'x' stands after the ) of NoOp"),
        ("exten => 1,1,Dial,PJSIP/1", "'Dial,PJSIP/1' is no application"),
        ("exten => 1,1,${APP}(x)", "is no application"),
        ("exten => 1,1,NoOp(${X)", "${ without its }"),
        ("exten => 1,1,NoOp($[1)", "$[ without its ]"),
        ("exten => 1,hint,", "the hint names no device"),
        ("exten => _,1,NoOp()", "_ is a pattern that matches nothing"),
        ("exten => ,1,NoOp()", "the extension has no name"),
        ("exten => _[1-5,1,NoOp()", "no priority in"),
        ("exten => _[5-1],1,NoOp()", "the range 5-1"),
        ("exten => _[ -\uffff],1,NoOp()", "wider than 256"),
        ("exten => _[],1,NoOp()", "empty set"),
        ("exten => _X.1,1,NoOp()", ". must be the last"),
        ("exten => ${X,1,NoOp()", "has no }"),
        ("same => n,NoOp()", "there is no extension"),
        ("include => nowhere", "there is no context [nowhere] to include"),
        ("include => a,09:00-17:00,*,*,*", "times are not supported"),
        ("include =>", "the name of a context"),
        ("switch => IAX2/x", "switch is not supported in a context"),
        ("NoOp()", "no = or => in 'NoOp()'"),
        ("#include other.conf", "#include is not supported: copy the file's lines in here"),
        ("#exec rm", "#exec is not supported"),
        ("[b](!)", "(!): templates are not supported"),
        ("[b](+)", "adds to a context that is not there"),
        ("[b", "write a section as [name]"),
        ("[]", "the section has no name"),
        (";-- x", "needs its --;"),
    ],
)
def test_a_mistake_is_reported_with_file_line_and_what_to_do(line: str, message: str) -> None:
    (problem,) = problems(f"[a]\n\n{line}\n")
    assert problem.startswith("extensions.conf:3: ")
    assert message in problem


def test_n_does_not_reach_back_over_a_header() -> None:
    (problem,) = problems("[a]\nexten => 1,1,NoOp()\n[a]\nexten => 1,n,NoOp()")
    assert problem.startswith("extensions.conf:4: n follows no priority")


def test_steps_of_a_misnamed_extension_are_not_taken_for_the_last_ones() -> None:
    (problem,) = problems("[a]\nexten => 1,1,NoOp()\nexten => _[x,1,NoOp()\nsame => 1,NoOp()")
    assert problem.startswith("extensions.conf:3: ")


def test_all_mistakes_are_reported_in_order_and_none_twice() -> None:
    text = """exten => 1,1,NoOp()
[a]
include => nowhere
exten => 1,1,NoOp()
exten => 1,1(x),NoOp()
 same => n(x),NoOp()
 same => n(x),NoOp()
exten => 1,hint,PJSIP/1
exten => 1,hint,PJSIP/2
exten => _[,1,NoOp()
 same => n,NoOp()
[x](nobody)
exten => nothing at all
[globals]
=x
A=${B
"""
    assert [p.removeprefix("extensions.conf:").partition(" ")[0] for p in problems(text)] == [
        "1:", "3:", "5:", "7:", "9:", "10:", "12:", "15:", "16:",
    ]  # fmt: skip
    assert "label x already, in line 6" in problems(text)[3]


def test_the_configuration_of_the_compatibility_tests_is_read() -> None:
    matcher = Matcher(plan(TARGET.read_text()))
    found = matcher.find("conformance", "app-other", 2)
    assert found is not None
    assert (found.step.application, found.step.arguments) == ("Stasis", "${EXTEN:4}")
    labelled = matcher.find("conformance", "back", "here")
    assert labelled is not None
    assert labelled.step.priority == 2


PIECES = st.sampled_from([
    "[a]", "[a](+)", "[globals]", "\n", "exten => ", "same => ", "include => ", "a", "1", "_X.",
    "_[1-5", "]", ",", "n", "n(x)", "+1", "hint", ",1,", "NoOp(", ")", "(", '"', "${", "$[", "}",
    ";", ";--", "--;", "\\", "=", " ", "/", "-", "!", "\u2028", "\0", "#include x", "A=${A}${A}",
])  # fmt: skip


def check(text: str) -> None:
    reported: tuple[Problem, ...] = ()
    try:
        dialplan = plan(text)
    except DialplanError as error:
        reported = error.problems
    if reported:
        assert all(problem.line > 0 and problem.message for problem in reported)
        return
    matcher = Matcher(dialplan)
    for name, context in dialplan.contexts.items():
        for extension in context.extensions:
            matcher.find(name, extension.name)


@given(st.lists(PIECES, max_size=60).map("".join))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_or_reported(text: str) -> None:
    check(text)
    check("[a]\nexten => 1,1,NoOp()\n" + text)


@pytest.mark.slow
@given(st.lists(PIECES, max_size=60).map("".join))
@settings(max_examples=120_000, deadline=None, database=None)
def test_very_many_texts_are_read_or_reported(text: str) -> None:
    check("[a]\nexten => 1,1,NoOp()\n" + text)
