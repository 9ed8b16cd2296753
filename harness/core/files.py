"""Files and folders are written whole: next to their place, then put there, under a lock.

Whoever reads one finds the old one or the new one, never a part of it, whatever ends the writer.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, Final

from harness.core.errors import InputError

# In a folder that is written whole: its lock, and the new contents until they are whole.
_LOCK: Final = ".deconform-lock"
_PART: Final = ".deconform-part"
# What a file system that has no locks answers; there, nothing keeps writers apart.
_WITHOUT_LOCKS: Final = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}


class WriteError(InputError):
    """A file or folder that cannot be written."""


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield where to write a file, which takes the place of ``path`` if the block ends well.

    Folders that are missing are made.

    Raises
    ------
    WriteError
        If it cannot be written, or if another process is writing it.
    """
    with explained(path), locked(path) as place, ExitStack() as stack:
        part = part_of(place)
        stack.callback(part.unlink, missing_ok=True)
        part.unlink(missing_ok=True)
        yield part
        put(part, place)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of ``path`` if the block ends well; see :func:`whole`.

    A terminal or a pipe is written to directly.
    """
    if is_replaceable(path):
        with whole(path) as part, part.open("xb") as stream:
            yield stream
    else:
        with explained(path), opened(path) as stream:
            yield stream


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file that is whole at once; what a text holds that has no encoding becomes ``?``."""
    with whole_file(path) as stream:
        stream.write(content.encode(errors="replace") if isinstance(content, str) else content)


@contextmanager
def whole_folder(folder: Path, stale: Iterable[str] = ()) -> Iterator[Path]:
    """Fill a folder whose files take their places in ``folder`` if the block ends well.

    Of what was there, only files of the same names and those that match a pattern of ``stale`` go.

    Raises
    ------
    WriteError
        If it cannot be written, or if another process is writing it.
    """
    with ExitStack() as stack:
        stack.enter_context(explained(folder))
        if not folder.is_dir():
            folder.mkdir(parents=True)
            stack.callback(_remove_if_empty, folder)
        stack.enter_context(_only_writer(folder / _LOCK, folder))
        part = folder / _PART
        stack.callback(shutil.rmtree, part, ignore_errors=True)
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        yield part
        old = {file for pattern in stale for file in folder.glob(pattern)}
        for file in sorted(part.rglob("*")):
            target = folder / file.relative_to(part)
            old.discard(target)
            if file.is_dir():
                target.mkdir(exist_ok=True)
            else:
                file.replace(target)
        for file in old:
            file.unlink()


def contents(folder: Path) -> list[Path]:
    """Return what a folder holds, but for what a killed writer has left."""
    return [each for each in folder.iterdir() if each.name not in {_LOCK, _PART}]


@contextmanager
def locked(path: Path) -> Iterator[Path]:
    """Be the only one that writes a file; yield its place, which is not a link.

    The lock ends with its process, whatever ends that.
    """
    place = Path(os.path.realpath(path))
    place.parent.mkdir(parents=True, exist_ok=True)
    with _only_writer(place.with_name(f".{place.name}.lock"), path):
        yield place


def part_of(place: Path) -> Path:
    """Return where a file is written that is not whole yet."""
    return place.with_name(f"{place.name}.part")


def put(part: Path, place: Path) -> None:
    """Put a file that is whole in its place, with the permissions of the one that was there."""
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
        # There was none, or its file system has no permissions.
        with suppress(FileNotFoundError, PermissionError):
            os.fchmod(stream.fileno(), place.stat().st_mode & 0o7777)
    part.replace(place)


def is_replaceable(path: Path) -> bool:
    """Whether a path is a file, or may become one: no terminal or pipe, and no output of ours."""
    try:
        status = path.stat()
    except OSError:
        return True
    ours = (os.fstat(number) for number in (1, 2) if _is_open(number))
    return path.is_file() and not any(os.path.samestat(status, each) for each in ours)


def opened(path: Path) -> IO[bytes]:
    """Open what is no file for writing, without waiting for a pipe's reader."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_APPEND)
    os.set_blocking(descriptor, True)
    return open(descriptor, "wb")  # noqa: PTH123 -- a descriptor, no path


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an error of the system into one line that names the path."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (FileExistsError, NotADirectoryError):
        raise WriteError(
            f"{path} cannot be written: a file is where its folder should be."
        ) from None
    except OSError as error:
        raise WriteError(f"{path} cannot be written: {error.strerror or error}.") from None


@contextmanager
def _only_writer(lock: Path, subject: Path) -> Iterator[None]:
    descriptor = _taken(lock)
    if descriptor is None:
        raise WriteError(f"{subject} is being written by another process; wait until it has ended.")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(descriptor)


def _taken(lock: Path) -> int | None:
    """Take a lock; return its open file, or None where somebody else has it."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(descriptor), lock.stat()):
                return descriptor
        except FileNotFoundError:
            pass
        except BlockingIOError:
            os.close(descriptor)
            return None
        except OSError as error:
            if error.errno in _WITHOUT_LOCKS:
                return descriptor
            os.close(descriptor)
            raise
        # Its last owner has removed it in between.
        os.close(descriptor)


def _is_open(number: int) -> bool:
    with suppress(OSError):
        os.fstat(number)
        return True
    return False


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()
