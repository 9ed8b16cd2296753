"""The NVIDIA GPUs of this machine, by its driver: no framework is needed."""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any, Final

_DRIVER: Final = "libcuda.so.1"
_NAME_LENGTH: Final = 256


class NoGpuError(Exception):
    """There is no NVIDIA GPU for programs here; the message says what is missing."""


@cache
def names() -> tuple[str, ...]:
    """Return the names of the GPUs that programs may use, or raise :class:`NoGpuError`."""
    try:
        driver = ctypes.CDLL(_DRIVER)
    except OSError:
        raise NoGpuError(f"no NVIDIA driver here ({_DRIVER})") from None
    _checked(driver, driver.cuInit(0))
    count = ctypes.c_int()
    _checked(driver, driver.cuDeviceGetCount(ctypes.byref(count)))
    if not count.value:
        raise NoGpuError("the NVIDIA driver offers no GPU here")
    return tuple(_name(driver, number) for number in range(count.value))


def missing() -> str | None:
    """Return what is missing for a GPU; ``None`` if there is one."""
    try:
        names()
    except NoGpuError as error:
        return str(error)
    return None


def _name(driver: Any, number: int) -> str:
    device, name = ctypes.c_int(), ctypes.create_string_buffer(_NAME_LENGTH)
    _checked(driver, driver.cuDeviceGet(ctypes.byref(device), number))
    _checked(driver, driver.cuDeviceGetName(name, _NAME_LENGTH, device))
    return name.value.decode(errors="replace")


def _checked(driver: Any, status: int) -> None:
    if status:
        words = ctypes.c_char_p()
        driver.cuGetErrorName(status, ctypes.byref(words))
        error = (words.value or b"").decode(errors="replace") or f"error {status}"
        raise NoGpuError(f"the NVIDIA driver offers no GPU here: {error}")
