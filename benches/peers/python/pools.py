"""Works of CPython's pools: `multiprocessing.Pool` and those of `concurrent.futures`."""

import time
from multiprocessing import shared_memory

from scopes import compute, die, echo, last, last_shared, square

WORKERS = 2
BATCH = 10_000
MB = 1_000_000
PADDING = "x" * 1000


def pool(scope):
    """`multiprocessing.Pool`."""
    made = []

    def get():
        if not made:
            made.append(scope.Pool(WORKERS))
        return made[0]

    works = works_of(
        submit=lambda function, *args: get().apply_async(function, args),
        wait=lambda result: result.get(),
        call=lambda function, *args: get().apply(function, args),
        map=lambda function, items, chunksize=None: get().map(function, items, chunksize),
        processes=True,
    )
    return works, lambda: [each.terminate() for each in made]


def futures(scope):
    """`ThreadPoolExecutor` and `ProcessPoolExecutor`."""
    processes = scope.name == "process-pool"
    made = []

    def get():
        if not made:
            made.append(scope.open(WORKERS))
        return made[0]

    def broken():
        made.clear()

    works = works_of(
        submit=lambda function, *args: get().submit(function, *args),
        wait=lambda future: future.result(),
        call=lambda function, *args: get().submit(function, *args).result(),
        # Its default is one item at a time; a user with many passes what multiprocessing.Pool would take.
        map=lambda function, items, chunksize=None: list(
            get().map(function, items, chunksize=chunksize or -(-len(items) // (WORKERS * 4)))
        ),
        processes=processes,
        broken=broken,
    )
    return works, lambda: [each.shutdown(wait=False, cancel_futures=True) for each in made]


def works_of(submit, wait, call, map, processes, broken=lambda: None):
    """The works of a pool, by what is its own: how it is given tasks and waited for."""
    works = {
        "pool/map 1000": map_of(map, 1000),
        "pool/map 10000": map_of(map, 10_000),
        "pool/map 100000": map_of(map, 100_000),
        "pool/cpu": cpu(map),
        **tasks(submit, wait, call),
    }
    for name, size in [("1 MB", MB), ("64 MB", 64 * MB)]:
        if processes:
            works[f"pool/{name} copied"] = copied(call, size)
        works[f"pool/{name} shared"] = shared(call, size) if processes else shared_by_threads(call, size)
    # A thread cannot be killed alone.
    return {**works, "pool/killed": killed(call, broken)} if processes else works


def tasks(submit, wait, call):
    def submits(n):
        for begin in range(0, n, BATCH):
            for result in [submit(square, i) for i in range(begin, min(n, begin + BATCH))]:
                wait(result)

    def round_trip(n):
        for i in range(n):
            call(square, i)

    def after_idleness(n):
        total = 0
        for i in range(n):
            time.sleep(0.06)
            total += timed(lambda: call(square, i))
        return total

    def kilobyte(n):
        for i in range(n):
            call(echo, {"id": i, "name": PADDING, "tags": ["a", "b"]})

    return {
        "pool/submits": submits,
        "pool/round trip": round_trip,
        "pool/after idleness": after_idleness,
        "pool/1 KB": kilobyte,
    }


def map_of(map, size):
    def work(n):
        maps = max(1, round(n / size))
        begin = time.perf_counter_ns()
        for _ in range(maps):
            map(square, range(size))
        return (time.perf_counter_ns() - begin) / (maps * size) * n

    return work


def cpu(map):
    def work(n):
        map(compute, range(n), 1)

    return work


def killed(call, broken):
    def end_of_worker():
        try:
            call(die)
        except Exception:
            broken()

    def work(n):
        total = 0
        for i in range(n):
            call(square, i)
            total += timed(end_of_worker)
        return total

    return work


def copied(call, size):
    def work(n):
        total = 0
        for _ in range(n):
            # Written, since memory that is only zeroed is one page of the kernel's.
            data = b"\1" * size
            total += timed(lambda: call(last, data))
        return total

    return work


def shared(call, size):
    def work(n):
        memory = shared_memory.SharedMemory(create=True, size=size)
        begin = time.perf_counter_ns()
        for _ in range(n):
            call(last_shared, memory.name)
        ns = time.perf_counter_ns() - begin
        memory.close()
        memory.unlink()
        return ns

    return work


def shared_by_threads(call, size):
    def work(n):
        data = b"\1" * size
        begin = time.perf_counter_ns()
        for _ in range(n):
            call(last, data)
        return time.perf_counter_ns() - begin

    return work


def timed(run):
    """Nanoseconds that it takes."""
    begin = time.perf_counter_ns()
    run()
    return time.perf_counter_ns() - begin
