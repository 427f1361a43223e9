/**
 * What all shared objects have in common: an address, a header, handles, names, references, and the state that a thread
 * keeps of an object besides its shared words.
 *
 * ```text
 *   word 0   kind | subtype << 8
 *        1   references: one for each handle, one for each message under way that names it.
 *            Named objects keep one forever
 *        2   ┐ what the object was created with: a second creator of the same name must say the same
 *        3   ┘
 *        4…  the object's own words
 * ```
 *
 * @module
 */

import { add, load, store } from "../atomics.ts";
import { InvalidStateError } from "../errors.ts";
import { NO_OPTIONS, show } from "../options.ts";
import { importingModule } from "../runtime/this_thread.ts";
import { BLOCK_HEADER, blockWords } from "./allocator.ts";
import { classOf, CONNECTION, CONNECTION_MESSAGES, FIRST_KIND, kindAt, LAST_KIND, registerClass } from "./kinds.ts";
import { HEAP_AT, OBJECT_HEADER, type Scope, TOP_AT } from "./memory.ts";
import { openOrCreate, type Space, spaceOf } from "./space.ts";

/** Options of the constructor of every shared object. */
export interface SharedOptions {
  /**
   * Opens the object of this name, or creates it if there is none: all threads that give the name get the same object.
   * An object for threads shares its name within the program, an object for processes within the tree of processes. A
   * named object lives as long as that program or tree. Default: a new object without a name.
   */
  name?: string;
  /**
   * Set this if every thread is meant to have its own object. Without it and without a name, an object created at the
   * top level of a module that workers import again throws `InvalidStateError` when it is used there. Default: `false`.
   */
  local?: boolean;
}

/** Where an object is that a handle is made for: its memory, and its address there. */
export class Attachment {
  readonly space: Space;
  readonly at: number;

  constructor(space: Space, at: number) {
    this.space = space;
    this.at = at;
  }
}

/** How an object is created. */
export interface Creation {
  /** Used in error messages: `create lock`. */
  action: string;
  kind: number;
  subtype?: number;
  /** How many words it has of its own, behind the header. */
  words: number;
  /** Arguments that a second creator of the same name must repeat. */
  first?: number;
  second?: number;
  /** Writes the initial state. The words are zero before. */
  initialize?: (words: Int32Array, at: number) => void;
}

const SCOPE: unique symbol = Symbol("scope");

/** The scope of the objects of a class, or of a class that extends it. */
export function scopeOfClass(type: object): Scope {
  return (type as { readonly [SCOPE]?: Scope })[SCOPE] ?? "thread";
}

/** Whether the class of an object has that scope. */
export function hasScope(object: object, scope: Scope): boolean {
  return scopeOfClass(Object.getPrototypeOf(object).constructor) === scope;
}

/** Puts the objects of a class into the processes' memory, and lets the class stand for their kind there. */
export function registerProcessClass(kind: number, type: abstract new (...args: never[]) => object): void {
  const scope: Scope = "process";
  Object.defineProperty(type, SCOPE, { value: scope });
  registerClass(scope, kind, type);
}

const references = new FinalizationRegistry<Place>((place) => {
  const { space } = place;
  // The reference was dropped with all others. Node runs finalizers even after a worker's `exit` event.
  if (space.isReleased) return;
  removeHandle(place);
  dropReference(space, place.at - OBJECT_HEADER);
});

const reasons = new WeakMap<SharedHandle, string>();

const releasers: ((space: Space) => void)[] = [];

/** Registers what a thread that ends gives up before its handles. */
export function onRelease(release: (space: Space) => void): void {
  releasers.push(release);
}

/** Where the object of a handle is, and in which memory; `undefined` if the handle cannot be used. */
export let locate: (handle: SharedHandle) => Attachment | undefined;

/** Gives up everything that a thread has handles of, as the thread ends. Finalizers of these handles do nothing then. */
export let releaseHandles: (space: Space) => void;

/** Why a handle cannot be used, for error messages: `it was disposed of`. */
export function whyUnusable(handle: SharedHandle): string {
  return reasons.get(handle) ?? "it is not usable";
}

/**
 * Where a handle's object is. Each class of the library keeps it in a private field of its own. A program's subclass
 * may add fields of any name, and private fields of the library cannot collide with them.
 */
export class Place {
  /** The memory that the object is in. */
  readonly space: Space;
  /** Words of that memory, with all words of the object: see `Space.fixed`. */
  readonly words: Int32Array;
  /** Where the object's own words begin; negative once the handle cannot be used. */
  at: number;
  /** The handle. */
  handle: WeakRef<object> | undefined = undefined;

  constructor(space: Space | undefined, at: number) {
    if (space !== undefined) space.fix(at - OBJECT_HEADER + blockWords(space.memory, at - OBJECT_HEADER));
    this.space = space as Space;
    this.words = space?.fixed as Int32Array;
    this.at = at;
  }
}

/** The place of a handle, for the private fields. */
export let placeOf: (handle: SharedHandle) => Place;

/** Gives up this thread's handle of an object. */
export let disposeOf: (handle: SharedHandle) => void;

/** Throws an error that says why the handle cannot be used. */
export function unusable(handle: SharedHandle, action: string): never {
  throw new InvalidStateError(`Cannot ${action} as ${whyUnusable(handle)}`);
}

/**
 * What the handle being constructed is attached to; `undefined`: it creates an object. The base constructor takes it.
 */
let arriving: Attachment | undefined;

/**
 * Whether the handle being constructed is for an object that exists. Its constructor then has no arguments and
 * validates none. Ask this before `super()`, which takes the attachment: an object that the constructor makes after
 * that is not attached to it.
 */
export function isArriving(): boolean {
  return arriving !== undefined;
}

/**
 * Makes a handle for an object that this thread may use.
 *
 * @param type The class whose constructor runs, without arguments.
 * @param subclass The class that the handle is an instance of, whose own constructor does not run. Default: `type`.
 */
export function makeHandle<T extends object>(
  attachment: Attachment,
  type: abstract new (...args: never[]) => T,
  subclass: abstract new (...args: never[]) => unknown = type,
): T {
  addReference(attachment.space, attachment.at);
  arriving = attachment;
  try {
    return Reflect.construct(type, [], subclass) as T;
  } finally {
    // The constructor did not take it if the class is not that of a shared object. The next object must not get it.
    arriving = undefined;
  }
}

/**
 * An object in shared memory, as one thread sees it.
 *
 * It is the base class of locks, queues, threads and similar. A handle that is sent to another thread in a message or
 * in `args` arrives there as a handle of the same object.
 *
 * Python has no equivalent: its locks and queues have no common base class.
 *
 * @example Two handles of one object
 * ```ts
 * import { Event } from "@weft/concurrent/sync";
 * import { assert } from "@std/assert";
 *
 * const first = new Event({ name: "ready" });
 * const second = new Event({ name: "ready" });
 * first.set();
 * assert(second.isSet);
 * ```
 */
export abstract class SharedHandle {
  readonly #place: Place;

  static {
    placeOf = (handle) => handle.#place;
    locate = (handle) => {
      const { space, at } = handle.#place;
      return at < 0 ? undefined : new Attachment(space, at - OBJECT_HEADER);
    };
    disposeOf = (handle) => handle.#drop();
    releaseHandles = (space) => {
      space.isReleased = true;
      // First, while the objects are there. A promise that still waits would leave the bit of its doorbell in memory that may
      // belong to another object by then.
      space.async.abandon();
      for (const release of releasers) release(space);
      for (const [at, newest] of space.handles) {
        for (const held of [newest, ...space.others.get(at) ?? []]) {
          const handle = held.deref() as SharedHandle | undefined;
          if (handle !== undefined) {
            handle.#place.at = -1;
            reasons.set(handle, "its thread has ended");
          }
          dropReference(space, at);
        }
      }
      space.handles.clear();
      space.others.clear();
    };
  }

  /**
   * Creates an object, or makes a handle for one.
   *
   * @ignore
   */
  protected constructor(type: object, options: SharedOptions | undefined, create: () => Creation) {
    if (arriving !== undefined) {
      const attachment = arriving;
      arriving = undefined;
      this.#place = new Place(attachment.space, attachment.at + OBJECT_HEADER);
      adoptHandle(this, this.#place);
      return;
    }
    const creation = create();
    const { name, local } = validateSharedOptions(options, creation.action);
    const importing = importingModule();
    if (name === undefined && local !== true && importing !== undefined) {
      this.#place = new Place(undefined, -1);
      reasons.set(
        this,
        `it was created again when ${importing}: pass it in args, or give it a name ({ local: true } gives each thread its own)`,
      );
      return;
    }
    const space = spaceOf(scopeOfClass(type));
    const make = (): number => {
      const at = space.allocate(OBJECT_HEADER + creation.words, creation.action);
      const words = space.words;
      store(words, at, creation.kind | (creation.subtype ?? 0) << 8);
      store(words, at + 2, creation.first ?? 0);
      store(words, at + 3, creation.second ?? 0);
      try {
        creation.initialize?.(words, at + OBJECT_HEADER);
      } catch (error) {
        // There may be no room for what the object needs besides its words.
        space.free(at);
        throw error;
      }
      if (name !== undefined) store(words, at + 1, 1);
      return at;
    };
    let at: number;
    if (name === undefined) {
      at = make();
    } else {
      const opened = openOrCreate(space, name, make);
      at = opened.at;
      if (!opened.created) checkSame(space, at, creation, name);
    }
    this.#place = new Place(space, at + OBJECT_HEADER);
    add(space.words, at + 1, 1);
    adoptHandle(this, this.#place);
  }

  #drop(): void {
    const place = this.#place;
    if (place.at < 0) return;
    const at = place.at - OBJECT_HEADER;
    const { space } = place;
    references.unregister(this);
    removeHandle(place);
    place.at = -1;
    reasons.set(this, "it was disposed of");
    // A named object may have other handles in this thread. Promises that wait through these go on.
    const gone = space.async.isBusy && isHandled(space, at) ? place : undefined;
    space.async.evict(at, at + blockWords(space.memory, at), gone, () => {
      return new InvalidStateError("Cannot wait any longer as the object was disposed of");
    });
    dropReference(space, at);
  }
}

// Bun's console also shows properties that are not enumerable, which would print the whole memory here.
Object.defineProperty(SharedHandle.prototype, Symbol.for("nodejs.util.inspect.custom"), {
  configurable: true,
  writable: true,
  value(this: object, _depth: number, options: object, inspect?: (value: object, options: object) => string): string {
    const own = { ...this };
    const shown = inspect === undefined || Object.keys(own).length === 0 ? "{}" : inspect(own, options);
    return `${Object.getPrototypeOf(this)?.constructor?.name ?? "Object"} ${shown}`;
  },
});

/**
 * A shared object that a program can dispose of before the garbage collector does.
 *
 * The object lives as long as any thread has a handle of it, or a message that names it is under way. A named object
 * lives as long as its program. After a thread has disposed of its handle, every use of that handle throws
 * {@linkcode InvalidStateError}. Other handles of the object stay usable.
 *
 * Python has no equivalent: its locks and queues have no common base class.
 *
 * @example
 * ```ts
 * import { InvalidStateError, Lock } from "@weft/concurrent/sync";
 * import { assertThrows } from "@std/assert";
 *
 * const lock = new Lock();
 * lock[Symbol.dispose](); // or: using lock = new Lock()
 * assertThrows(() => lock.tryAcquire(), InvalidStateError);
 * ```
 */
export abstract class SharedObject extends SharedHandle {
  /**
   * Gives up this thread's handle of the object. When no thread has a handle any more, its memory can be used again.
   *
   * After that, every use of this handle throws {@linkcode InvalidStateError}, and promises that still wait through it
   * reject with that error. Promises that wait through another handle of the object, which was opened by its name, go on.
   * Calling it again does nothing. A handle that is never disposed of is released when it is garbage-collected.
   *
   * Python has no equivalent: the garbage collector alone releases its locks and queues.
   */
  [Symbol.dispose](): void {
    disposeOf(this);
  }
}

function adoptHandle(object: SharedHandle, place: Place): void {
  const { handles, others } = place.space;
  const at = place.at - OBJECT_HEADER;
  const before = handles.get(at);
  if (before !== undefined) {
    const known = others.get(at);
    if (known === undefined) others.set(at, new Set([before]));
    else known.add(before);
  }
  place.handle = new WeakRef(object);
  handles.set(at, place.handle);
  references.register(object, place, object);
}

// Takes a handle off the lists. There are others only beside a newest handle, so the oldest of them takes its place.
function removeHandle({ space: { handles, others }, at: base, handle }: Place): void {
  const at = base - OBJECT_HEADER;
  const known = others.get(at);
  if (handles.get(at) !== handle) {
    known?.delete(handle!);
  } else if (known === undefined) {
    handles.delete(at);
  } else {
    const [next] = known;
    known.delete(next);
    handles.set(at, next);
  }
  if (known?.size === 0) others.delete(at);
}

// Whether this thread has a handle of an object that is not garbage.
function isHandled({ handles, others }: Space, at: number): boolean {
  if (handles.get(at)?.deref() !== undefined) return true;
  for (const held of others.get(at) ?? []) if (held.deref() !== undefined) return true;
  return false;
}

function validateSharedOptions(options: SharedOptions | undefined, action: string): SharedOptions {
  if (options === undefined) return NO_OPTIONS;
  if (typeof options !== "object" || options === null) {
    throw new TypeError(`Cannot ${action} as 'options' must be an object: received ${show(options)}`);
  }
  const { name, local } = options;
  if (name !== undefined && typeof name !== "string") {
    throw new TypeError(`Cannot ${action} as 'name' must be a string: received ${show(name)}`);
  }
  if (local !== undefined && typeof local !== "boolean") {
    throw new TypeError(`Cannot ${action} as 'local' must be a boolean: received ${show(local)}`);
  }
  return options;
}

function checkSame(space: Space, at: number, creation: Creation, name: string): void {
  const words = space.words;
  const same = load(words, at) === (creation.kind | (creation.subtype ?? 0) << 8) &&
    load(words, at + 2) === (creation.first ?? 0) && load(words, at + 3) === (creation.second ?? 0);
  if (!same) {
    throw new TypeError(
      `Cannot ${creation.action} as the name "${name}" belongs to an object of another kind, or with other arguments`,
    );
  }
}

/**
 * Whether there seems to be an object at this address: a block was given out there, and it has references and a known
 * kind. Words that look like that by chance are taken for an object.
 */
export function seemsObject(space: Space, at: number): boolean {
  const { words } = space;
  const top = load(words, TOP_AT);
  if (!Number.isInteger(at) || at % 2 !== 0 || at < HEAP_AT + BLOCK_HEADER || at + OBJECT_HEADER > top) return false;
  // A free block has an odd size.
  const size = load(words, at - BLOCK_HEADER);
  if (size % 2 !== 0) return false;
  const end = at - BLOCK_HEADER + size;
  const kind = load(words, at) & 0xff;
  return end > at + OBJECT_HEADER && end <= top && kind >= FIRST_KIND && kind <= LAST_KIND && load(words, at + 1) > 0;
}

/**
 * The handle of an object that this thread may use, as it has received it. Makes one if there is none.
 *
 * @throws {TypeError} If there is no object, or its class is not loaded.
 */
export function handleAt(space: Space, at: number): SharedHandle {
  const existing = space.handles.get(at)?.deref();
  if (existing !== undefined) {
    kindAt(space, at)?.receivedAgain?.(existing);
    return existing as SharedHandle;
  }
  if (!seemsObject(space, at)) {
    throw new TypeError(`Cannot receive a shared object as there is none at this address: received ${at}`);
  }
  const kind = load(space.words, at) & 0xff;
  const type = classOf(space.memory.scope, kind);
  if (type === undefined) {
    throw new TypeError(
      `Cannot receive a shared object of kind ${kind} as its class is not loaded: import @weft/concurrent/${
        space.memory.scope === "process" ? "multiprocessing" : "sync"
      }`,
    );
  }
  return makeHandle(new Attachment(space, at), type) as SharedHandle;
}

/** Adds a reference. */
export function addReference(space: Space, at: number): void {
  add(space.words, at + 1, 1);
}

/** Drops a reference. The last one gives the object's memory back. */
export function dropReference(space: Space, at: number): void {
  if (add(space.words, at + 1, -1) !== 1) return;
  kindAt(space, at)?.destroy?.(space, at + OBJECT_HEADER);
  space.free(at);
}

/** Adds the reference of a message that names the object. */
export function addMessageReference(space: Space, at: number): void {
  addReference(space, at);
  countMessage(space, at, 1);
}

/** Drops the reference of a message. A receiver has made its handle before that. */
export function dropMessageReference(space: Space, at: number): void {
  // First, as the last reference takes the words along.
  countMessage(space, at, -1);
  dropReference(space, at);
}

/** Drops the reference of a message that no thread will receive. Its sender or its receiver may be gone. */
export function loseMessageReference(space: Space, at: number): void {
  // First, as the threads that learn of the loss look at once whether a message has the object.
  countMessage(space, at, -1);
  kindAt(space, at)?.lost?.(space, at + OBJECT_HEADER);
  dropReference(space, at);
}

// The other end of a pipe must know whether a connection is still under way. Its references do not tell: a process that is
// killed keeps its own. The class of the connection may not be loaded in this thread, so its kind cannot count them.
function countMessage({ words }: Space, at: number, change: number): void {
  if ((load(words, at) & 0xff) === CONNECTION) add(words, at + OBJECT_HEADER + CONNECTION_MESSAGES, change);
}

// The state that this thread keeps of a shared object besides the shared words. A thread has several handles of an
// object that it opened by name more than once. What it holds, it holds through all of them.

const states = new WeakMap<Space, Map<number, WeakRef<object>>>();

const dropped = new FinalizationRegistry<{ space: Space; at: number }>(({ space, at }) => {
  const known = states.get(space)!;
  if (known.get(at)?.deref() === undefined) known.delete(at);
});

/** The state of the object at this address. It lives as long as one of the handles that have it. */
export function localState<T extends object>(space: Space, at: number, create: () => T): T {
  let known = states.get(space);
  if (known === undefined) states.set(space, known = new Map());
  const existing = known.get(at)?.deref() as T | undefined;
  if (existing !== undefined) return existing;
  const state = create();
  known.set(at, new WeakRef(state));
  dropped.register(state, { space, at });
  return state;
}

/** Forgets the state of an earlier object at this address: a new object is there now, which has no other handle. */
export function forgetLocalState(space: Space, at: number): void {
  states.get(space)?.delete(at);
}
