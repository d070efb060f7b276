"""The cache of snapshots' JSON: what it saves, and what it may hold."""

from stasisd.bindings.ari.encoding import CACHE_LIMIT, Encoder
from stasisd.core.snapshots import PlaybackSnapshot


def playback(uri: str) -> PlaybackSnapshot:
    return PlaybackSnapshot(
        id="p", media_uri=uri, target_uri="channel:c", language="en", state="playing"
    )


def test_a_snapshot_is_written_once() -> None:
    encoder = Encoder("id", "1")
    snapshot = playback("sound:a")
    assert encoder._snapshot(snapshot) is encoder._snapshot(snapshot)
    assert encoder._snapshot(playback("sound:a")) is not encoder._snapshot(snapshot)


def test_what_is_kept_is_bounded_in_bytes() -> None:
    """A channel variable of a megabyte in each snapshot must not add up to gigabytes."""
    encoder = Encoder("id", "1")
    for number in range(10):
        encoder.result(playback(f"{number}" * (CACHE_LIMIT // 2 - 200)))
        kept = sum(len(memoryview(raw)) for _, raw in encoder._cache.values())
        assert 0 < kept <= CACHE_LIMIT
    assert len(encoder._cache) == 2
