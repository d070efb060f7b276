"""A file descriptor that becomes readable at a given moment of the monotonic clock."""

import ctypes
import os
import sys

_CLOCK_MONOTONIC = 1
_ABSOLUTE = 1
_NONBLOCK = os.O_NONBLOCK
_NS = 1_000_000_000


class _TimeSpec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _TimerSpec(ctypes.Structure):
    _fields_ = (("interval", _TimeSpec), ("value", _TimeSpec))


if sys.version_info >= (3, 13):

    def _create() -> int:
        return os.timerfd_create(_CLOCK_MONOTONIC, flags=os.TFD_NONBLOCK | os.TFD_CLOEXEC)

    def _set(fd: int, ns: int) -> None:
        os.timerfd_settime_ns(fd, flags=os.TFD_TIMER_ABSTIME, initial=ns)

else:
    _libc = ctypes.CDLL(None, use_errno=True)
    _spec = _TimerSpec()

    def _create() -> int:
        fd: int = _libc.timerfd_create(_CLOCK_MONOTONIC, _NONBLOCK | os.O_CLOEXEC)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        return fd

    def _set(fd: int, ns: int) -> None:
        _spec.value.seconds, _spec.value.nanoseconds = divmod(ns, _NS)
        _libc.timerfd_settime(fd, _ABSOLUTE, ctypes.byref(_spec), None)


class Timer:
    """One timer; disarmed at first."""

    def __init__(self) -> None:
        self._fd = _create()
        self._at: float | None = None

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._fd

    def arm(self, at: float | None) -> None:
        """Be readable from `at` (seconds of time.monotonic) on, even if that is past; or never."""
        if at != self._at:
            self._at = at
            _set(self._fd, 0 if at is None else max(1, int(at * _NS)))

    def clear(self) -> None:
        """Be readable no more, and disarmed."""
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return
        self._at = None

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)
