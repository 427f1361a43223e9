/**
 * How a runtime is started so that it finds the program's modules as the program does.
 *
 * Deno looks for its configuration, with the import map, lock file and packages, from the main module's folder upwards. A
 * child's main module is the library's, which may be anywhere, so the child is told the one that the program found. Bun looks
 * from each module's own folder, and needs none of that.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { mainModule, ownModule, requireOwnRuntime } from "../runtime/modules.ts";
import { isBun, nodeProcess } from "../runtime/runtime.ts";
import { runtimePath } from "../runtime/spawn.ts";
import { programArguments } from "../runtime/worker.ts";
import { loadProcessCalls } from "../system/system.ts";
import { mainOfProgram } from "../targets/places.ts";
import {
  type CommandLine,
  inheritedPermissions,
  keptOfBun,
  parseCommandLine,
  type PermissionName,
  type Permissions,
  type Requested,
  requestedPermissions,
} from "./flags.ts";

/** How to start a child. */
export interface RuntimeCommand {
  readonly args: readonly string[];
  /** The folder to start it in, if not this process's: it goes to that itself. */
  readonly cwd: string | undefined;
  /** Whether it may call the C library. */
  readonly hasFfi: boolean;
}

/** The variable that tells a child what it is. */
export const VARIABLE = "WEFT_PROCESS";

interface DenoPermissions {
  readonly permissions: {
    querySync(descriptor: Record<string, unknown>): { state: string; partial?: boolean };
  };
  readonly errors: { NotCapable: new (message: string) => Error };
}

const deno = (globalThis as unknown as { Deno?: DenoPermissions }).Deno;
const ENTRY = ownModule("../entries/child_entry.ts", import.meta.url).href;

/** Which item of a permission is asked about under which key. */
const ITEMS: Record<PermissionName, string> = {
  read: "path",
  write: "path",
  net: "host",
  env: "variable",
  run: "command",
  sys: "kind",
  ffi: "path",
  import: "host",
};

/** Throws unless this program may start processes. Never asks. */
export function checkPermissions(action: string): void {
  if (deno === undefined) return;
  const query = (name: PermissionName, item?: string): boolean =>
    deno!.permissions.querySync(item === undefined ? { name } : { name, [ITEMS[name]]: item }).state === "granted";
  const refuse = (flag: string, why: string): never => {
    throw new deno!.errors.NotCapable(
      `Cannot ${action} as ${why}, which must be allowed: run with --allow-${flag} (threads and all of @weft/concurrent/sync work without it)`,
    );
  };
  if (!query("ffi")) refuse("ffi", "that calls the system's C library");
  if (!query("run", runtimePath())) refuse("run", "that runs another Deno");
  if (!query("env", VARIABLE)) refuse("env", "what the process shall do is told it in a variable of its environment");
}

/** Throws unless the module of a target may be read, as the child must. */
export function checkReadable(module: string | undefined): void {
  if (deno === undefined || module === undefined || !module.startsWith("file:")) return;
  if (deno.permissions.querySync({ name: "read", path: new URL(module) }).state === "granted") return;
  throw new deno.errors.NotCapable(
    `Cannot start process as its module must be allowed to be read: run with --allow-read, or with --allow-read=${
      decodeURIComponent(new URL(module).pathname)
    }`,
  );
}

/** Whether this program may call the C library. */
export function mayCallSystem(): boolean {
  return deno === undefined || deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

let line: CommandLine | undefined;
let firstFolder: string | undefined;

/**
 * How to start a child with these permissions.
 *
 * @param modules Where its target is looked for. One without memory may load them, whatever else it may.
 */
export function runtimeCommand(permissions: "inherit" | Requested, modules: readonly string[] = []): RuntimeCommand {
  requireOwnRuntime("start process");
  if (deno === undefined) {
    if (permissions !== "inherit") {
      throw new NotSupportedError(
        `Cannot start process with other permissions than this one as this runtime has none: leave 'permissions' out, or run on Deno`,
      );
    }
    const { execArgv } = nodeProcess() as unknown as { execArgv: string[] };
    return {
      args: [...keptOfBun(execArgv), isBun ? fileOf(ENTRY) : ENTRY, ...programArguments()],
      cwd: undefined,
      hasFfi: true,
    };
  }
  const calls = loadProcessCalls("start process");
  firstFolder ??= calls.folder();
  const resolve = (path: string): string => absolute(path, firstFolder!);
  line ??= parseCommandLine(calls.commandLine(), resolve);
  const granted: Permissions = {
    resolve,
    query: (name, item) => {
      try {
        const { state, partial } = deno!.permissions.querySync(
          item === undefined ? { name } : { name, [ITEMS[name]]: item },
        );
        return { state, partial: partial === true };
      } catch {
        // Not an item that Deno understands here.
        return { state: "denied", partial: false };
      }
    },
  };
  const flags = permissions === "inherit"
    ? inheritedPermissions(line, granted)
    : requestedPermissions(permissions, line, granted, (what) => {
      throw new deno!.errors.NotCapable(`Cannot start process with 'permissions' as ${what}`);
    });
  const hasFfi = flags.includes("-A") || flags.includes("--allow-ffi");
  const { found, packageFolder: cwd } = configuration(line);
  const kept = cwd === undefined ? line.kept : line.kept.filter((flag) => !flag.startsWith("--node-modules-dir"));
  const start = ["run", "--no-prompt", ...kept, ...found];
  if (hasFfi) return { args: [...start, ...flags, ENTRY, ...programArguments()], cwd, hasFfi };
  return { args: [...start, ...flags, entryWith(modules), ...programArguments()], cwd: undefined, hasFfi };
}

// Deno imports what is in the graph of the main module without asking whether it may be read, with all that it imports.
function entryWith(modules: readonly string[]): string {
  const imports = modules.map((module) => `import(${JSON.stringify(module)})`).join(",");
  const code = `import ${JSON.stringify(ENTRY)};()=>[${imports}]`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

// Where Deno was not told one, it has looked for it. It looks from the folder of the main module, which is another one for a
// child. Of a folder with a package.json alone, all that matters is that packages are looked for beside the modules that
// import them, and those of modules from elsewhere (this library's) in the folder that the child starts in.
function configuration({ kept }: CommandLine): { found: string[]; packageFolder?: string } {
  if (kept.some((flag) => flag === "--no-config" || flag.startsWith("--config="))) return { found: [] };
  const calls = loadProcessCalls("start process");
  let folder = mainFolder() ?? `${firstFolder}/`;
  let packageFolder: string | undefined;
  for (;;) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = folder + name;
      if (!calls.exists(path)) continue;
      // One further up is for the package only if it is the one of its workspace.
      if (packageFolder === undefined || isWorkspace(path)) return { found: [`--config=${path}`] };
    }
    // The packages of a workspace's member are in the folder of the workspace.
    const lacksPackages = packageFolder === undefined || !calls.exists(`${packageFolder}node_modules`);
    if (lacksPackages && calls.exists(`${folder}package.json`)) packageFolder = folder;
    if (folder === "/") {
      return packageFolder === undefined
        ? { found: ["--no-config"] }
        : { found: ["--no-config", "--node-modules-dir=manual"], packageFolder };
    }
    folder = folder.slice(0, folder.lastIndexOf("/", folder.length - 2) + 1);
  }
}

function isWorkspace(path: string): boolean {
  if (deno!.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  const { readTextFileSync } = deno as unknown as { readTextFileSync(path: string): string };
  return readTextFileSync(path).includes('"workspace"');
}

/** The program's main module. */
export function mainOfThis(): string | undefined {
  return mainOfProgram() ?? mainModule();
}

/** The folder of the program's main module, where that is a file. */
function mainFolder(): string | undefined {
  const main = mainOfThis();
  return main?.startsWith("file:") ? fileOf(new URL(".", main).href) : undefined;
}

function fileOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname);
}

function absolute(path: string, folder: string): string {
  if (path.startsWith("/") || /^[a-z][a-z+.-]*:/i.test(path)) return path;
  return fileOf(new URL(path, `file://${folder.split("/").map(encodeURIComponent).join("/")}/`).href);
}
