/**
 * Checks the tables of docs/from-python.md: the left columns have every public name of Python's modules, and each name of this
 * library in the right columns exists.
 *
 * What the test reads in a column "Here" are the code spans. In them, `Lock.locked` and `lock.locked` are a member of instances
 * of `Lock`, `activeCount()` and `Lock` are exports, and `{ timeout }` has the names of options.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import * as distributed from "../../distributed/mod.ts";
import * as multiprocessing from "../../multiprocessing/mod.ts";
import * as threading from "../../threading/mod.ts";

const LIMIT = { timeout: 60_000 };

/** Names without a dot in `names`, members by their class. */
type Names = Readonly<Record<string, string>>;

/**
 * The public names of Python 3.13: `__all__` of each module, what its documentation names besides, and the public members of
 * the classes, by `dir()`. With those of Python 3.14.
 */
const PYTHON: Readonly<Record<string, Names>> = {
  threading: {
    names: `
      Barrier BoundedSemaphore BrokenBarrierError Condition Event ExceptHookArgs Lock RLock Semaphore
      TIMEOUT_MAX Thread ThreadError Timer __excepthook__ activeCount active_count currentThread
      current_thread enumerate excepthook get_ident get_native_id getprofile gettrace local main_thread
      setprofile setprofile_all_threads settrace settrace_all_threads stack_size
    `,
    Barrier: "abort broken n_waiting parties reset wait",
    BoundedSemaphore: "acquire release",
    Condition: "acquire locked notify notifyAll notify_all release wait wait_for",
    Event: "clear isSet is_set set wait",
    ExceptHookArgs: "exc_traceback exc_type exc_value thread",
    Lock: "acquire acquire_lock locked locked_lock release release_lock",
    RLock: "acquire locked release",
    Semaphore: "acquire release",
    Thread: "daemon getName ident isDaemon is_alive join name native_id run setDaemon setName start",
    Timer: "args cancel finished function interval kwargs",
  },
  queue: {
    names: `
      Empty Full LifoQueue PriorityQueue Queue ShutDown SimpleQueue
    `,
    Queue:
      "all_tasks_done empty full get get_nowait is_shutdown join maxsize mutex not_empty not_full put put_nowait qsize queue shutdown task_done unfinished_tasks",
    SimpleQueue: "empty get get_nowait put put_nowait qsize",
  },
  multiprocessing: {
    names: `
      Array AuthenticationError Barrier BoundedSemaphore BufferTooShort Condition Event JoinableQueue Lock
      Manager Pipe Pool Process ProcessError Queue RLock RawArray RawValue SUBDEBUG SUBWARNING Semaphore
      SimpleQueue TimeoutError Value active_children allow_connection_pickling cpu_count current_process
      freeze_support get_all_start_methods get_context get_logger get_start_method log_to_stderr
      parent_process reducer set_executable set_forkserver_preload set_start_method
    `,
    Array: "acquire get_lock get_obj raw release value",
    Barrier: "abort broken n_waiting parties reset wait",
    BoundedSemaphore: "acquire get_value locked release",
    Condition: "acquire notify notify_all release wait wait_for",
    Event: "clear is_set set wait",
    JoinableQueue: "cancel_join_thread close empty full get get_nowait join join_thread put put_nowait qsize task_done",
    Lock: "acquire locked release",
    Process: "authkey close daemon exitcode ident interrupt is_alive join kill name pid run sentinel start terminate",
    Queue: "cancel_join_thread close empty full get get_nowait join_thread put put_nowait qsize",
    RLock: "acquire locked release",
    Semaphore: "acquire get_value locked release",
    SimpleQueue: "close empty get put",
    Value: "acquire get_lock get_obj release value",
  },
  "multiprocessing.connection": {
    names: `
      Client Connection Listener Pipe XmlClient XmlListener answer_challenge deliver_challenge wait
    `,
    Connection: "close closed fileno poll readable recv recv_bytes recv_bytes_into send send_bytes writable",
    Listener: "accept address close last_accepted",
  },
  "multiprocessing.pool": {
    names: `
      ApplyResult AsyncResult IMapIterator IMapUnorderedIterator MapResult MaybeEncodingError Pool
      RemoteTraceback ThreadPool TimeoutError
    `,
    AsyncResult: "get ready successful wait",
    IMapIterator: "next",
    Pool: "Process apply apply_async close imap imap_unordered join map map_async starmap starmap_async terminate",
  },
  "multiprocessing.shared_memory": {
    names: `
      ShareableList SharedMemory
    `,
    ShareableList: "count format index shm",
    SharedMemory: "buf close name size unlink",
  },
  "multiprocessing.sharedctypes": {
    names: `
      Array RawArray RawValue Synchronized SynchronizedArray SynchronizedBase SynchronizedString Value
      copy synchronized
    `,
    Synchronized: "get_lock get_obj value",
    SynchronizedString: "get_lock get_obj raw value",
  },
  "multiprocessing.managers": {
    names: `
      AcquirerProxy ArrayProxy AutoProxy BarrierProxy BaseListProxy BaseManager BasePoolProxy BaseProxy
      ConditionProxy DictProxy EventProxy IteratorProxy ListProxy MakeProxyType Namespace NamespaceProxy
      PoolProxy RebuildProxy RemoteError Server SetProxy SharedMemoryManager SyncManager Token ValueProxy
    `,
    BaseManager: "address connect get_server join register shutdown start",
    Server: "serve_forever",
    SharedMemoryManager: "ShareableList SharedMemory",
    SyncManager:
      "Array Barrier BoundedSemaphore Condition Event JoinableQueue Lock Namespace Pool Queue RLock Semaphore Value dict list set",
  },
  "multiprocessing.dummy": {
    names: `
      Array Barrier BoundedSemaphore Condition Event JoinableQueue Lock Manager Namespace Pipe Pool
      Process Queue RLock Semaphore Value active_children current_process dict freeze_support list
      shutdown
    `,
    Process: "exitcode",
  },
  "multiprocessing.context": {
    names: `
      BaseContext DefaultContext ForkContext ForkProcess ForkServerContext ForkServerProcess Process
      SpawnContext SpawnProcess assert_spawning get_spawning_popen set_spawning_popen
    `,
  },
  "concurrent.futures": {
    names: `
      ALL_COMPLETED BrokenExecutor CancelledError Executor FIRST_COMPLETED FIRST_EXCEPTION Future
      InterpreterPoolExecutor InvalidStateError ProcessPoolExecutor ThreadPoolExecutor TimeoutError
      as_completed interpreter.BrokenInterpreterPool process.BrokenProcessPool thread.BrokenThreadPool
      wait
    `,
    Executor: "map shutdown submit",
    Future:
      "add_done_callback cancel cancelled done exception result running set_exception set_result set_running_or_notify_cancel",
    ProcessPoolExecutor: "kill_workers terminate_workers",
    ThreadPoolExecutor: "BROKEN prepare_context",
  },
};

/** Those that Python 3.13 does not have. */
const NEW: Readonly<Record<string, string>> = {
  threading: "Condition.locked RLock.locked",
  multiprocessing: "BoundedSemaphore.locked Lock.locked Process.interrupt RLock.locked Semaphore.locked",
  "multiprocessing.managers": "SetProxy SyncManager.set",
  "concurrent.futures": `
    InterpreterPoolExecutor ProcessPoolExecutor.kill_workers ProcessPoolExecutor.terminate_workers
    ThreadPoolExecutor.BROKEN ThreadPoolExecutor.prepare_context interpreter.BrokenInterpreterPool
  `,
};

type Module = Readonly<Record<string, unknown>>;

/** The modules that the names in the tables of a section are exported by: any of them. */
function modulesOf(section: string): readonly Module[] {
  if (section === "threading" || section === "queue") return [threading];
  if (section.startsWith("Ray")) return [distributed];
  if (section.startsWith("multiprocessing") && section !== "multiprocessing.dummy") return [multiprocessing];
  return [threading, multiprocessing];
}

// Members of interfaces and names of options exist for the compiler alone, which checks these lists.

const GUARD: readonly Extract<keyof threading.Guard, string>[] = ["abandoned"];
const CURRENT_TASK: readonly (keyof threading.CurrentTask)[] = ["attempt", "cancelled", "id", "signal", "state"];
const LEASE: readonly Extract<keyof distributed.Lease, string>[] = ["token"];
const INTERFACES: Readonly<Record<string, readonly string[]>> = {
  Guard: GUARD,
  CurrentTask: CURRENT_TASK,
  Lease: LEASE,
};

type Options =
  | keyof threading.ThreadOptions<unknown[], unknown>
  | keyof threading.ExceptHookInfo
  | keyof threading.QueueOptions
  | keyof threading.BarrierOptions
  | keyof threading.PriorityOptions
  | keyof threading.WaitFuturesOptions
  | keyof threading.SerializableOptions<object, unknown>
  | keyof threading.PoolOptions
  | keyof threading.MapOptions
  | keyof multiprocessing.ProcessOptions<unknown[], unknown>
  | keyof multiprocessing.PipeOptions
  | keyof (multiprocessing.SharedMemoryOptions & { size: number })
  | keyof distributed.DistributedOptions
  | keyof NonNullable<Parameters<typeof multiprocessing.setStartMethod>[1]>
  | keyof NonNullable<Parameters<threading.Queue["shutdown"]>[0]>
  | keyof Awaited<ReturnType<typeof threading.wait>>;

// deno-fmt-ignore
const OPTIONS: readonly Options[] = [
  "action", "args", "chunksize", "concurrency", "connect", "cwd", "daemon", "deserialize", "done", "duplex", "env", "error",
  "force", "idleTimeout", "immediate", "initargs", "initializer", "killAfter", "max", "maxMemory", "maxTasksPerChild",
  "maxsize", "min", "name", "notDone", "permissions", "priority", "retries", "serialize", "signal", "size", "target", "thread",
  "timeout", "trace", "transfer", "when",
];

const isOption = (name: string): boolean => (OPTIONS as readonly string[]).includes(name);

/** Names in code spans that are not this library's. */
const OTHERS = new Set(
  `Animal ArrayBuffer DataCloneError DataView Error Promise.allSettled Promise.withResolvers RangeError TextDecoder TextEncoder
  TypeError Uint8Array WEFT_CONNECT _held array await const depth error.stack f false fn for fork fs i if import.meta.main
  item ms multiprocessing.managers multiprocessing.pool multiprocessing.shared_memory new of os.process_cpu_count true try
  undefined using x xs y`.trim().split(/\s+/),
);

interface Table {
  readonly section: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

function tablesOf(page: string): Table[] {
  const tables: Table[] = [];
  let section = "";
  let rows: string[][] = [];
  for (const line of [...page.split("\n"), ""]) {
    if (/^##+ /.test(line)) section = line.replace(/^#+ /, "").replaceAll("`", "");
    if (line.startsWith("|")) rows.push(line.slice(1, -1).split("|").map((cell) => cell.trim()));
    else if (rows.length > 0) {
      tables.push({ section, head: rows[0]!, rows: rows.slice(2) });
      rows = [];
    }
  }
  return tables;
}

function spansOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, span]) => span!);
}

/** The names of Python in a cell: `.wait()` belongs to the class of the span before. */
function pythonNames(cell: string): string[] {
  let owner = "";
  return spansOf(cell).map((span) => {
    const name = span.replace(/\(.*$/s, "");
    const full = name.startsWith(".") ? owner + name : name;
    owner = /^(.*)\.\w+$/.exec(full)?.[1] ?? full;
    return full;
  });
}

/** The names of a section of {@linkcode PYTHON}, members with their class. */
function listed(names: Names): string[] {
  return Object.entries(names).flatMap(([owner, text]) =>
    text.trim().split(/\s+/).map((name) => owner === "names" ? name : `${owner}.${name}`)
  );
}

/** What is said of a path like `Lock.locked`: `undefined` if it exists. */
function missing(path: string, modules: readonly Module[]): string | undefined {
  if (OTHERS.has(path) || modules.some((module) => path in module)) return undefined;
  const [receiver, member, ...more] = path.split(".") as [string, string?, ...string[]];
  const name = receiver[0]!.toUpperCase() + receiver.slice(1);
  if (more.length > 0) return `${path} has too many parts`;
  if (member !== undefined && INTERFACES[name]?.includes(member)) return undefined;
  const type = modules.map((module) => module[name]).find((value) => typeof value === "function");
  if (type === undefined) return `${receiver} is not exported`;
  if (member === undefined) return undefined;
  const { prototype } = type as { prototype?: object };
  return prototype !== undefined && member in prototype ? undefined : `${name} has no ${member}`;
}

const OBJECT = /\{([^{}]*)\}/;

/** What is wrong in a code span, and how many names are in it. */
function readSpan(span: string, modules: readonly Module[]): { wrong: string[]; names: number } {
  const wrong: string[] = [];
  let names = 0;
  const check = (path: string): void => {
    names++;
    const message = isOption(path) ? undefined : missing(path, modules);
    if (message !== undefined) wrong.push(`${message}, in \`${span}\``);
  };
  if (span.startsWith("deno run ")) return { wrong, names: 1 };
  if (/^@weft\/concurrent(\/\w+)?$/.test(span)) return { wrong, names };
  let code = span.replace(/"[^"]*"/g, "0").replaceAll("()", "");
  const imported = /^import \{ (.*) \} from 0$/.exec(code);
  if (imported !== null) code = imported[1]!;
  // Objects in objects come first.
  for (let object = OBJECT.exec(code); object !== null; object = OBJECT.exec(code)) {
    code = code.replace(object[0], "0");
    for (const entry of object[1]!.split(",")) {
      const key = /^\s*(\w*)/.exec(entry)![1]!;
      if (key === "" || OTHERS.has(key)) continue;
      names++;
      if (!isOption(key)) wrong.push(`${key} is no option, in \`${span}\``);
    }
  }
  for (const [path] of code.matchAll(/(?<![\w.$])[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*/g)) check(path);
  return { wrong, names };
}

describe("the tables of docs/from-python.md", () => {
  const tables = tablesOf(readFileSync(new URL("../../docs/from-python.md", import.meta.url), "utf8"));

  for (const [section, names] of Object.entries(PYTHON)) {
    const rows = tables.filter((table) => table.section === section && table.head[1] === "Here")
      .flatMap((table) => table.rows);

    it(`have every name of ${section}, and no others`, LIMIT, () => {
      const expected = listed(names).sort();
      const found = new Set(rows.flatMap(([python]) => pythonNames(python!)));
      assertEquals([...found].sort(), expected);
    });

    it(`mark what is new in Python 3.14 in ${section}`, LIMIT, () => {
      const isNew = new Set((NEW[section] ?? "").trim().split(/\s+/));
      for (const [python] of rows) {
        const fresh = pythonNames(python!).filter((name) => isNew.has(name));
        if (fresh.length > 0) assert(python!.includes("(3.14)"), `${fresh} in ${python}`);
      }
    });
  }

  it("name only what exists in the columns Here", LIMIT, () => {
    const wrong: string[] = [];
    let cells = 0;
    for (const { section, head, rows } of tables) {
      const column = head.indexOf("Here");
      if (column < 0) continue;
      for (const row of rows) {
        cells++;
        assertEquals(row.length, head.length, row.join("|"));
        const spans = spansOf(row[column]!).map((span) => readSpan(span, modulesOf(section)));
        wrong.push(...spans.flatMap((span) => span.wrong.map((message) => `${section}: ${message}`)));
        const says = row[column]!.startsWith("No equivalent: ") || spans.some((span) => span.names > 0);
        if (!says) wrong.push(`${section}: neither a name nor a reason, in ${row[column]}`);
      }
    }
    assertEquals(wrong, []);
    // A page whose tables are written in another way would have no cells, and pass.
    assert(cells > 250, `${cells} cells`);
  });

  it("are checked: names that do not exist are found", LIMIT, () => {
    const none = (span: string) => readSpan(span, [threading]).wrong.length;
    assertEquals(
      ["Lock.acquire", "await lock.acquire()", "new Queue({ maxsize })", "sleep(1000)"].map(none),
      [0, 0, 0, 0],
    );
    assertEquals(["Lock.lock", "lock.acquire2()", "new Queue({ maxSize: 3 })", "getPid()"].map(none), [1, 1, 1, 1]);
  });
});
