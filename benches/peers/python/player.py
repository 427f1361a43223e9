"""CPython's player: `player.py threads`, `spawn`, `forkserver`, `thread-pool`, `process-pool` (concurrent.futures).

What a player does is told in benches/lib/play.ts.
"""

# What starts with spawn imports this file anew: what its children do not need is imported where it is used.
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import scopes

TEN = 10


def start_once(scope, count):
    """Starts and ends so many, all at once; returns nanoseconds."""
    begin = time.perf_counter_ns()
    started = [scope.start(scopes.double, (i,)) for i in range(count)]
    for each in started:
        each.join()
    return time.perf_counter_ns() - begin


def memory_once(scope, count):
    """Returns how many bytes so many take that wait."""
    end = scope.Event()
    there = scope.Semaphore(0)
    before = scopes.memory_of_tree()
    started = [scope.start(scopes.idle, (there, end)) for _ in range(count)]
    for _ in started:
        there.acquire()
    size = scopes.memory_of_tree() - before
    end.set()
    for each in started:
        each.join()
    return size


def starting(scope, name):
    def once(measure, n, count):
        """Does it n times, each in a program in which nothing is warm."""
        import subprocess

        total = 0
        for _ in range(n):
            command = [sys.executable, __file__, name, measure, str(count)]
            total += int(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=30).stdout)
        return total

    def after_others(n):
        """As in bare/repeated.ts."""
        total = 0
        for _ in range(2):
            start_once(scope, 1)
        for _ in range(n):
            time.sleep(0.5)
            total += start_once(scope, 1)
        return total

    return {
        "start/cold": lambda n: once("cold", n, 1),
        "start/ten cold": lambda n: once("cold", n, TEN),
        "start/spare": after_others,
        "start/in turn": lambda n: sum(start_once(scope, 1) for _ in range(n)),
        "start/ten": lambda n: sum(start_once(scope, TEN) for _ in range(n)),
        "memory/idle": lambda n: once("memory", 1, n),
    }


def works_of(name):
    """The works of a name, and what ends what they started."""
    import pools
    import primitives

    scope = scopes.named(name)
    works = starting(scope, name)
    if isinstance(scope, scopes.Executors):
        pool, close = pools.futures(scope)
        return {name: works[name] for name in ["start/cold", "start/spare", "start/in turn"]} | pool, close
    if name != "forkserver":
        works |= primitives.works(scope)
    if name == "spawn":
        pool, close = pools.pool(scope)
        return works | pool, close
    return works, lambda: None


def main():
    import json
    import platform

    name = sys.argv[1]
    if len(sys.argv) > 2:
        measure = {"cold": start_once, "memory": memory_once}[sys.argv[2]]
        print(measure(scopes.named(name), int(sys.argv[3])))
        return
    works, close = works_of(name)

    def say(answer):
        print(json.dumps(answer), flush=True)

    say({"ready": True, "name": name, "version": platform.python_version(), "works": list(works)})
    for line in sys.stdin:
        order = json.loads(line)
        try:
            begin = time.perf_counter_ns()
            own = works[order["work"]](order["n"])
            whole = time.perf_counter_ns() - begin
            say({"id": order["id"], "ns": whole} if own is None else {"id": order["id"], "ns": own, "own": True})
        except Exception as error:
            say({"id": order["id"], "error": repr(error)})
    close()


if __name__ == "__main__":
    main()
