"""Threads and processes of CPython, seen as one, and what they run."""

import math
import multiprocessing
import os
import queue
import signal
import threading


class Threads:
    """`threading` and `queue`."""

    processes = False
    Lock = threading.Lock
    RLock = threading.RLock
    Semaphore = threading.Semaphore
    BoundedSemaphore = threading.BoundedSemaphore
    Event = threading.Event
    Condition = threading.Condition
    Barrier = threading.Barrier
    Queue = queue.Queue
    LifoQueue = queue.LifoQueue
    PriorityQueue = queue.PriorityQueue

    @staticmethod
    def start(target, args):
        thread = threading.Thread(target=target, args=args)
        thread.start()
        return thread

    @staticmethod
    def counter():
        return Counter()


class Counter:
    """What threads count in: all of them see the same objects."""

    value = 0


class Processes:
    """`multiprocessing` with a start method."""

    processes = True

    def __init__(self, method):
        self.context = multiprocessing.get_context(method)
        synchronization = ["Lock", "RLock", "Semaphore", "BoundedSemaphore", "Event", "Condition", "Barrier"]
        for name in [*synchronization, "Queue", "Pipe", "Pool", "Value"]:
            setattr(self, name, getattr(self.context, name))

    def start(self, target, args):
        process = self.context.Process(target=target, args=args)
        process.start()
        return process

    def counter(self):
        return self.context.Value("i", 0, lock=False)


class Executors:
    """Pools of `concurrent.futures`, which start their workers when there is a task."""

    def __init__(self, name):
        self.name = name

    def open(self, workers):
        import concurrent.futures

        if self.name == "thread-pool":
            return concurrent.futures.ThreadPoolExecutor(workers)
        context = multiprocessing.get_context("spawn")
        return concurrent.futures.ProcessPoolExecutor(workers, mp_context=context)

    def start(self, target, args):
        pool = self.open(1)
        pool.submit(target, *args)
        return Started(pool)


class Started:
    """A pool that has a task to do and then ends."""

    def __init__(self, pool):
        self.join = pool.shutdown


def named(name):
    if name in ("thread-pool", "process-pool"):
        return Executors(name)
    return Threads() if name == "threads" else Processes(name)


def memory_of_tree():
    """Bytes of this process and its descendants, each page shared out among those that have it."""
    import re

    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        stat = read(f"/proc/{name}/stat")
        if stat:
            parents[int(name)] = int(stat[stat.rindex(")") + 2 :].split()[1])
    tree = [os.getpid()]
    for pid in tree:
        tree.extend(child for child, parent in parents.items() if parent == pid)
    sizes = (re.search(r"^Pss:\s+(\d+)", read(f"/proc/{pid}/smaps_rollup"), re.M) for pid in tree)
    return sum(int(size[1]) * 1024 for size in sizes if size)


def read(file):
    try:
        with open(file) as opened:
            return opened.read()
    except OSError:
        # It has ended meanwhile.
        return ""


def double(x):
    return 2 * x


def idle(there, end):
    there.release()
    end.wait()


def increment(there, go, done, lock, counter, times):
    there.release()
    go.wait()
    for _ in range(times):
        with lock:
            counter.value += 1
    done.release()


def item_maker(item):
    if item == "integers":
        return lambda i: i
    padding = "x" * 1000 if item == "1 KB" else ""
    return lambda i: {"id": i, "name": f"item {i}{padding}", "tags": ["a", "b"]}


def produce(there, go, items, item, times):
    make = item_maker(item)
    there.release()
    go.wait()
    for i in range(times):
        items.put(make(i))


def consume(there, go, done, items, times):
    there.release()
    go.wait()
    for _ in range(times):
        items.get()
    done.release()


def answer(asked, answers):
    while (number := asked.get()) >= 0:
        answers.put(number)


def echo_messages(connection):
    while (message := connection.recv()) is not None:
        connection.send(message)


def take_bytes(connection):
    while len(connection.recv_bytes()) > 1:
        pass
    connection.send("done")


def square(x):
    return x * x


def echo(value):
    return value


def last(data):
    return data[-1]


def last_shared(name):
    """Looks at the last byte of shared memory, which a worker attaches to once."""
    from multiprocessing import shared_memory

    if name not in attached:
        attached[name] = shared_memory.SharedMemory(name)
    return attached[name].buf[-1]


attached = {}


def compute(seed):
    total = 0.0
    for i in range(2_000_000):
        total += math.sqrt(seed + i)
    return total


def die():
    os.kill(os.getpid(), signal.SIGKILL)
