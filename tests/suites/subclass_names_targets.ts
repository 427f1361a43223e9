import { Process } from "@weft/concurrent/multiprocessing";
import { Thread } from "@weft/concurrent/threading";

/** A value that no member of the library has: as an address it would point into other objects. */
export const NONSENSE = 100_000;

/** Gives an object fields of all those names, defined like the fields of a class. */
export function addFields(object: object, names: readonly string[]): void {
  for (const name of names) {
    Object.defineProperty(object, name, { value: NONSENSE, configurable: true, enumerable: true, writable: true });
  }
}

/** Whether those are all its own fields, and are unchanged. */
export function hasFields(object: object, names: readonly string[]): boolean {
  return Object.keys(object).length === names.length &&
    names.every((name) => (object as Record<string, unknown>)[name] === NONSENSE);
}

/** A thread with fields of those names. */
export class FieldsThread extends Thread {
  constructor(names: readonly string[], options?: { name: string }) {
    super(options);
    addFields(this, names);
  }

  override run(): string[] {
    return Object.keys(this);
  }
}

/** A process with fields of those names. */
export class FieldsProcess extends Process {
  constructor(names: readonly string[], options?: { name: string }) {
    super(options);
    addFields(this, names);
  }

  override run(): string[] {
    return Object.keys(this);
  }
}

/** A thread whose fields hide the library's members. */
export class ShadowingThread extends Thread {
  constructor() {
    super({ name: "given" });
    addFields(this, ["name", "daemon", "ident", "isAlive"]);
  }

  override run(): unknown[] {
    return [this.name, this.daemon, this.ident, this.isAlive];
  }
}

/** The same as a process. */
export class ShadowingProcess extends Process {
  constructor() {
    super({ name: "given" });
    addFields(this, ["name", "daemon", "ident", "isAlive", "pid", "exitCode"]);
  }

  override run(): unknown[] {
    return [this.name, this.daemon, this.ident, this.isAlive, this.pid, this.exitCode];
  }
}
