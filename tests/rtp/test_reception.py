"""RFC 3550, appendices A.1, A.3 and A.8."""

import numpy as np
import pytest

from stasisd.rtp.reception import Reception

ROW = 2


def hear(reception: Reception, number: int, now: float | None = None, ssrc: int = 5) -> None:
    reception.update(
        np.array([ROW]),
        np.array([number & 0xFFFF], np.uint16),
        np.array([number * 160 & 0xFFFFFFFF], np.uint32),
        np.array([ssrc], np.uint32),
        np.array([160]),
        number * 0.02 if now is None else now,
    )


def test_all_there_is_no_loss_and_no_jitter() -> None:
    reception = Reception(4)
    for number in range(65500, 65600):
        hear(reception, number)
    assert reception.packets[ROW] == 100
    assert reception.octets[ROW] == 16000
    assert reception.lost(ROW) == 0
    assert reception.jitter(ROW) == pytest.approx(0, abs=1)
    assert reception.highest(ROW) == 65599
    assert reception.packets[0] == 0


def test_gaps_are_losses_and_reordering_is_none() -> None:
    reception = Reception(4)
    for number in (1, 2, 5, 4):
        hear(reception, number)
    assert reception.lost(ROW) == 1
    hear(reception, 9)
    assert reception.lost(ROW) == 4
    assert reception.fraction_lost(ROW) == 4 * 256 // 9
    for number in range(10, 20):
        hear(reception, number)
    assert reception.fraction_lost(ROW) == 0
    assert reception.lost(ROW) == 4


def test_a_new_source_keeps_what_the_old_one_lost() -> None:
    reception = Reception(4)
    for number in (1, 5):
        hear(reception, number)
    for number in (40000, 40002):
        hear(reception, number, ssrc=6)
    assert reception.lost(ROW) == 4
    assert reception.packets[ROW] == 4


def test_duplicates_don_t_make_the_loss_negative() -> None:
    reception = Reception(4)
    for number in (1, 1, 1, 2):
        hear(reception, number)
    assert reception.lost(ROW) == 0


def test_jitter_approaches_the_deviation() -> None:
    reception = Reception(4)
    for number in range(400):
        hear(reception, number, number * 0.02 + 0.004 * (number % 2))
    assert reception.jitter(ROW) == pytest.approx(32, abs=1)  # 4 ms at 8 kHz


def test_reset_forgets() -> None:
    reception = Reception(4)
    hear(reception, 3)
    reception.reset(ROW)
    assert reception.packets[ROW] == 0
    assert reception.lost(ROW) == 0
