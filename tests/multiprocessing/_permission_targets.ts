/** What runs in the processes of the tests of permissions. */

import process from "node:process";
import { type Event, Process } from "@weft/concurrent/multiprocessing";

const NAMES = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;

/** What this process is allowed, and of these items. */
export function granted(items: Deno.PermissionDescriptor[] = []): { whole: string[]; items: string[] } {
  return {
    whole: NAMES.filter((name) => {
      const { state, partial } = Deno.permissions.querySync({ name });
      return state === "granted" && !partial;
    }),
    items: items.map((item) => Deno.permissions.querySync(item).state),
  };
}

/** What comes of reading these files. */
export function tryToRead(files: string[]): string[] {
  return files.map((file) => {
    try {
      return Deno.readTextFileSync(file);
    } catch (error) {
      return (error as Error).name;
    }
  });
}

export function surroundings(name: string): Record<string, unknown> {
  return {
    cwd: Deno.cwd(),
    variable: Deno.env.get(name),
    hasPath: Deno.env.has("PATH"),
    input: Deno.stdin.readSync(new Uint8Array(1)),
  };
}

/** Uses the channel that the runtime has for a parent: the library's. */
export function chatter(): string {
  const { send } = process as unknown as { send?: (message: unknown) => void };
  for (const message of ["hello", null, { bytes: 5 }, { outcome: 99, bytes: "" }]) send?.call(process, message);
  return "the result";
}

export function add(a: number, b: number): number {
  return a + b;
}

export function fail(): never {
  throw new RangeError("no");
}

export function spin(): never {
  for (;;);
}

export function take(event: Event): void {
  event.set();
}

export class Tripler extends Process<[number], number> {
  factor = 3;

  override run(x: number): number {
    return x * this.factor;
  }
}
