"""Groups of endpoints."""

from stasisd.core.groups import Groups


def test_an_endpoint_is_in_the_groups_that_name_it_or_how_it_begins() -> None:
    groups = Groups({"support": ("PJSIP/100", "PJSIP/2*"), "all": ("PJSIP/*",), "none": ()})
    assert groups.of("PJSIP/100") == {"support", "all"}
    assert groups.of("PJSIP/1000") == {"all"}
    assert groups.of("PJSIP/2") == groups.of("PJSIP/21") == {"support", "all"}
    assert groups.of("Local/100@default") == frozenset()
