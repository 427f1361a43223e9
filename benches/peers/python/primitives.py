"""Works of CPython's primitives, free and contended, of queues and pipes."""

import time

from scopes import answer, consume, echo_messages, increment, produce, take_bytes


def works(scope):
    found = {**free(scope), "lock/2": locked_by(scope, 2), "lock/4": locked_by(scope, 4)}
    for item in ["integers", "objects", "1 KB"]:
        found[f"queue/{item}"] = queue_of(scope, item)
    found["wake/thread"] = wake_of(scope)
    return {**found, **pipes(scope)} if scope.processes else found


def free(scope):
    def hold(make):
        def work(n):
            lock = make()
            for _ in range(n):
                with lock:
                    pass

        return work

    def event(n):
        event = scope.Event()
        for _ in range(n):
            event.set()
            event.wait()
            event.clear()

    def condition(n):
        condition = scope.Condition()
        for _ in range(n):
            with condition:
                condition.notify()

    def barrier(n):
        barrier = scope.Barrier(1)
        for _ in range(n):
            barrier.wait()

    def queue(make):
        def work(n):
            queue = make()
            for i in range(n):
                queue.put(i)
                queue.get()

        return work

    def set_value(n):
        value = scope.counter()
        for i in range(n):
            value.value = i

    def add(n):
        value = scope.Value("i")
        for _ in range(n):
            with value.get_lock():
                value.value += 1

    found = {
        "lock/free": hold(scope.Lock),
        "rlock/free": hold(scope.RLock),
        "semaphore/free": hold(scope.Semaphore),
        "event/free": event,
        "condition/free": condition,
        "barrier/free": barrier,
        "semaphore/bounded": hold(scope.BoundedSemaphore),
        "queue/free": queue(scope.Queue),
    }
    if scope.processes:
        return {**found, "value/set": set_value, "value/add": add}
    return {**found, "queue/lifo": queue(scope.LifoQueue), "queue/priority": queue(scope.PriorityQueue)}


def run(there, go, done, workers, finishers):
    """Lets workers go as soon as all are there; returns the nanoseconds until they are done."""
    for _ in workers:
        there.acquire()
    begin = time.perf_counter_ns()
    go.set()
    for _ in range(finishers):
        done.acquire()
    ns = time.perf_counter_ns() - begin
    for worker in workers:
        worker.join()
    return ns


def locked_by(scope, count):
    def work(n):
        there, go, done = scope.Semaphore(0), scope.Event(), scope.Semaphore(0)
        lock, counter, times = scope.Lock(), scope.counter(), -(-n // count)
        arguments = (there, go, done, lock, counter, times)
        ns = run(there, go, done, [scope.start(increment, arguments) for _ in range(count)], count)
        if counter.value != times * count:
            raise RuntimeError(f"lost increments: {counter.value} of {times * count}")
        return ns

    return work


def queue_of(scope, item):
    def work(n):
        there, go, done = scope.Semaphore(0), scope.Event(), scope.Semaphore(0)
        items = scope.Queue(1024)
        workers = [
            scope.start(produce, (there, go, items, item, n)),
            scope.start(consume, (there, go, done, items, n)),
        ]
        return run(there, go, done, workers, 1)

    return work


def wake_of(scope):
    def work(n):
        asked, answers = scope.Queue(), scope.Queue()
        partner = scope.start(answer, (asked, answers))
        asked.put(n)
        answers.get()
        total = 0
        for i in range(n):
            time.sleep(0.006)
            begin = time.perf_counter_ns()
            asked.put(i)
            number = answers.get()
            total += time.perf_counter_ns() - begin
            if number != i:
                raise RuntimeError(f"answer {number} came in place of {i}")
        asked.put(-1)
        partner.join()
        return total

    return work


def pipes(scope):
    def with_echo(measure):
        def work(n):
            here, there = scope.Pipe()
            partner = scope.start(echo_messages, (there,))
            here.send("are you there?")
            here.recv()
            ns = measure(here, n)
            here.send(None)
            partner.join()
            return ns

        return work

    def busy(pipe, n):
        begin = time.perf_counter_ns()
        for i in range(n):
            pipe.send(i)
            pipe.recv()
        return time.perf_counter_ns() - begin

    def asleep(pipe, n):
        total = 0
        for i in range(n):
            time.sleep(0.005)
            begin = time.perf_counter_ns()
            pipe.send(i)
            pipe.recv()
            total += time.perf_counter_ns() - begin
        return total

    def mebibytes(n):
        here, there = scope.Pipe()
        partner = scope.start(take_bytes, (there,))
        data = b"x" * (1 << 20)
        here.send_bytes(data)
        begin = time.perf_counter_ns()
        for _ in range(n):
            here.send_bytes(data)
        here.send_bytes(b"x")
        here.recv()
        ns = time.perf_counter_ns() - begin
        partner.join()
        return ns

    return {"pipe/busy": with_echo(busy), "pipe/asleep": with_echo(asleep), "pipe/1 MiB": mebibytes}
