"""From paths to the whole audit, in several processes where that pays."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from typing import Final, TypeAlias

from harness.audit.layers import Audit, AuditedLayer, Unread
from harness.audit.reading import (
    ReadFile,
    Wanted,
    may_hold_layers,
    read_file,
    size_in_bytes,
    suffixes,
)
from harness.audit.walking import Source, walk
from harness.convention.device import Device
from harness.convention.registry import convention
from harness.core.parent import end_with_parent
from harness.suite.conditions import Described, without_dtype
from harness.suite.limitations import Limitation, of_device

# Fewer files are read before another process has started.
_FEW_FILES: Final = 24
_WAITING: Final = 4  # Files for each process, so that none is idle
_DEVICES: Final[Mapping[Device, str]] = {"cpu": "a CPU", "cuda": "a GPU"}
_ENDED: Final = "what read it ended: it may take more memory than there is."

Result: TypeAlias = tuple[Source, ReadFile]
# Passes results on, of which so many will come, and shows them as progress.
Follow: TypeAlias = Callable[[Iterator[Result], int], Iterator[Result]]


def unfollowed(results: Iterator[Result], _count: int) -> Iterator[Result]:
    """Show nothing."""
    return results


def audit(
    paths: Sequence[str],
    wanted: Wanted,
    limitations: Sequence[Limitation] = (),
    *,
    exclude: Sequence[str] = (),
    processes: int = 1,
    follow: Follow = unfollowed,
) -> Audit:
    """Read all layers below some paths, and say what becomes of each in other frameworks.

    Parameters
    ----------
    paths : sequence of str
        Files and folders.
    wanted : Wanted
    limitations : sequence of Limitation
        What is known of the targets.
    exclude : sequence of str
        What to leave out of folders, each as a line of a ``.gitignore`` says it.
    processes : int
        How many may share the work; the audit is the same.
    follow : callable
        Shows progress.

    Raises
    ------
    InputError
        Where a path does not exist, or a target has no convention.
    """
    for name in wanted.to:
        convention(name)
    found = list(walk(paths, suffixes(), exclude))
    sources = [each for each in found if isinstance(each, Source)]
    results = dict(follow(_read_all(sources, wanted, processes), len(sources)))
    ordered = [results[source] for source in sources]
    unread = [each for each in found if isinstance(each, Unread)]
    unread += [each for result in ordered for each in result.unread]
    return Audit(
        tuple(_with_known(each, wanted, limitations) for one in ordered for each in one.layers),
        tuple(sorted(unread, key=lambda each: (each.file, each.cell or 0, each.line or 0))),
        files=len(sources),
        limitations={one.id: one for one in limitations},
        conditions=f"{wanted.dtype} on {_DEVICES[wanted.device]}",
    )


def _read_all(sources: Sequence[Source], wanted: Wanted, processes: int) -> Iterator[Result]:
    """Read files, those without a layer first."""
    left = []
    for source in sources:
        if may_hold_layers(source):
            left.append(source)
        else:
            yield source, ReadFile()
    if processes == 1 or len(left) < _FEW_FILES:
        yield from ((source, read_file(source, wanted)) for source in left)
        return
    yield from _read_in_processes(left, wanted, processes)


def _read_in_processes(
    sources: Sequence[Source], wanted: Wanted, processes: int
) -> Iterator[Result]:
    """Read files in other processes; once one of these dies, in a single one, which shows why."""
    # The largest first: the last to end is then a small one.
    left = deque(sorted(sources, key=size_in_bytes, reverse=True))
    begun: dict[Future[ReadFile], Source] = {}
    while left:
        most = processes * _WAITING if processes > 1 else 1
        try:
            with _pool(processes) as pool:
                while left or begun:
                    while left and len(begun) < most:
                        future = pool.submit(read_file, left[0], wanted)
                        begun[future] = left.popleft()
                    for future in wait(begun, return_when=FIRST_COMPLETED).done:
                        result = future.result()
                        yield begun.pop(future), result
        except BrokenProcessPool:
            if processes == 1:
                source = begun.popitem()[1] if begun else left.popleft()
                yield source, ReadFile(unread=(Unread(source.path, None, _ENDED),))
            left.extendleft(begun.values())
            begun.clear()
            processes = 1


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Start processes, which end at once where an error or a signal ends the block."""
    context = multiprocessing.get_context("spawn")
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(processes, context, end_with_parent)
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _with_known(
    layer: AuditedLayer, wanted: Wanted, limitations: Sequence[Limitation]
) -> AuditedLayer:
    """Add what is known of each target."""
    described = Described(layer.operator, wanted.dtype, layer.input)
    targets = {}
    for name, fate in layer.targets.items():
        device = convention(name).device(wanted.device)
        here = {one.id for one in of_device(limitations, name, device)}
        known, elsewhere = [], []
        for one in limitations:
            if one.framework != name or one.when is None or fate.support == "unsupported":
                continue
            if one.id in here and described.meets(one.when):
                known.append(one.id)
            elif described.meets(without_dtype(one.when)) is not False:
                elsewhere.append(one.id)
        targets[name] = replace(fate, known=tuple(known), elsewhere=tuple(elsewhere))
    return replace(layer, targets=targets)
