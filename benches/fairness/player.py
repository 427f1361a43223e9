"""Measures CPython's lock in one setting, and prints what came of it as JSON: see player.ts."""

import json
import platform
import sys
import threading
import time

count, micros, ms = (int(argument) for argument in sys.argv[1:])
lock = threading.Lock()
line = threading.Barrier(count + 1)
total = 0
stopped = False
turns = [0] * count
gaps = [0] * count


def compute(seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass


def take_turns(index: int) -> None:
    global total
    mine = 0
    gap = 0
    line.wait()
    last = total
    while not stopped:
        with lock:
            seen = total
            total = seen + 1
            if micros > 0:
                compute(micros / 1e6)
        gap = max(gap, seen - last)
        last = seen + 1
        mine += 1
    turns[index] = mine
    gaps[index] = max(gap, total - last)


threads = [threading.Thread(target=take_turns, args=(index,)) for index in range(count)]
for thread in threads:
    thread.start()
line.wait()
begin = time.perf_counter()
time.sleep(ms / 1000)
stopped = True
had = (time.perf_counter() - begin) * 1000
for thread in threads:
    thread.join()
print(json.dumps({"version": platform.python_version(), "ms": had, "turns": turns, "gaps": gaps}))
