/**
 * The command with which a child's runtime is started: so that it finds the program's modules as the program does, and with
 * permissions that are the program's own or fewer.
 *
 * Deno looks for its configuration, with the import map, lock file and packages, from the main module's folder upwards. A
 * child's main module is the library's, which may be anywhere, so the child is told which the program found. Bun looks
 * from each module's own folder, and needs none of that.
 *
 * Deno does not tell a program how it was started, but the system does: flags that matter to its modules are read off the
 * command line. Which permissions it has can only be asked one by one, so what was granted in part is read there too, and each
 * item is given on only while it is still granted. Whatever came from elsewhere (a set of permissions in a configuration, an
 * answer to a prompt) and is not the whole of a permission is not given on: that is less than the program has, and never more.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { mainModule, requireOwnRuntime } from "../runtime/modules.ts";
import { ownFile } from "../runtime/own_files.ts";
import { isBun, nodeProcess } from "../runtime/runtime.ts";
import { runtimePath } from "../runtime/spawn.ts";
import { programArguments } from "../runtime/this_thread.ts";
import { loadProcessCalls } from "../system/system.ts";
import { mainOfProgram } from "../targets/places.ts";

/** How to start a child. */
interface RuntimeCommand {
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
/** The module with which a child begins. */
const ENTRY = ownFile("process").href;

/** The permissions of Deno. */
const PERMISSIONS = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;

/** One of {@linkcode PERMISSIONS}. */
export type PermissionName = (typeof PERMISSIONS)[number];

/** Under which key an item of each permission is asked about. */
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
  if (!query("env", VARIABLE)) refuse("env", "what the process is to do stands in a variable of its environment");
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

/** Whether this program may call the C library. Never asks. */
export function mayCallSystem(): boolean {
  return deno === undefined || deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

/** The command line of this process, once it was read, and the folder in which it was at that time. */
let line: CommandLine | undefined;
let firstFolder: string | undefined;

/**
 * How to start a child with these permissions.
 *
 * @param modules Where its target is looked for. A child without memory may load them, whatever else it may.
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

// Where Deno was not told its configuration, it has looked for it. It looks from the folder of the main module, which is
// another folder for a child. Of a folder with a package.json alone, all that matters is that packages are looked for beside
// the modules that import them, and the packages of modules from elsewhere (this library's) in the folder that the child
// starts in.
function configuration({ kept }: CommandLine): { found: string[]; packageFolder?: string } {
  if (kept.some((flag) => flag === "--no-config" || flag.startsWith("--config="))) return { found: [] };
  const calls = loadProcessCalls("start process");
  let folder = mainFolder() ?? `${firstFolder}/`;
  let packageFolder: string | undefined;
  for (;;) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = folder + name;
      if (!calls.exists(path)) continue;
      // A configuration further up is for the package only if it is that of its workspace.
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

/** The program's main module, in a child as in its starter. */
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

// The flags of a child, from those of this program.

/** What a program is allowed. */
interface Permissions {
  /** Of a whole permission, or of one item of it. `partial`: items of it are denied. */
  query(name: PermissionName, item?: string): { state: string; partial: boolean };
  /** A path of the command line as an absolute one. */
  resolve(path: string): string;
}

/** Flags that are given on, with the value that follows them, if one does. */
const KEPT = new Set([
  "--import-map",
  "--cert",
  "--location",
  "--log-level",
  "-L",
  "--preload",
  "--require",
  "--conditions",
  "--config",
  "-c",
  "--min-dep-age",
  "--node-modules-linker",
  "--lock",
]);
/** The same of flags whose value, where they have one, is behind a `=`. */
const KEPT_ALONE = new Set([
  "--no-config",
  "--no-remote",
  "--no-npm",
  "--cached-only",
  "--vendor",
  "--node-modules-dir",
  "--no-lock",
  "--frozen",
  "--frozen-lockfile",
  "--no-code-cache",
  "--use-env-proxy",
  "--quiet",
  "-q",
  "--v8-flags",
  "--unsafely-ignore-certificate-errors",
]);
/** Flags whose value may follow as an argument of its own, and that are not given on. */
const SKIPPED = new Set(["--ext", "--seed", "--filter", "--junit-path", "--reporter", "--inspect-publish-uid"]);
/** Values that are paths. */
const PATHS = new Set(["--import-map", "--cert", "--config", "-c", "--lock", "--preload", "--require"]);
const SUBCOMMANDS = new Set(["run", "test", "bench", "serve", "eval", "repl", "jupyter", "x", "watch"]);
const SHORT_PERMISSIONS: Record<string, PermissionName> = {
  R: "read",
  W: "write",
  N: "net",
  E: "env",
  S: "sys",
  I: "import",
};

/** What a command line says. */
interface CommandLine {
  /** Flags that are not about permissions, as they are given on. */
  readonly kept: string[];
  /** What is granted and refused by name; `true`: all of it. */
  readonly allowed: Map<PermissionName, string[] | true>;
  readonly denied: Map<PermissionName, string[] | true>;
  /** Flags by which permissions are refused in silence. */
  readonly ignored: string[];
}

/** Reads a command line of Deno, without the program's name. */
export function parseCommandLine(given: readonly string[], resolve: (path: string) => string): CommandLine {
  // -RW is -R -W.
  const args = given.flatMap((arg) => /^-[A-Za-z]{2,}(=|$)/.test(arg) ? apart(arg) : [arg]);
  const line: CommandLine = { kept: [], allowed: new Map(), denied: new Map(), ignored: [] };
  let at = 0;
  // A file may be named where the subcommand `run` was left out.
  let isRun = true;
  const isSubcommand = (): boolean => SUBCOMMANDS.has(args[at]);
  if (isSubcommand()) isRun = args[at++] === "run";
  for (; at < args.length; at++) {
    const arg = args[at];
    if (arg === "--") break;
    if (!arg.startsWith("-") || arg === "-") {
      // Behind the module of `run` are the program's own arguments. `deno --quiet run x.ts` has the command late.
      if (isSubcommand() && line.allowed.size === 0) isRun = args[at] === "run";
      else if (isRun) break;
      continue;
    }
    const [flag, value] = split(arg);
    const permission = /^--(allow|deny|ignore)-(\w+)$/.exec(flag);
    if (permission !== null && (PERMISSIONS as readonly string[]).includes(permission[2])) {
      const [, verb, name] = permission;
      if (verb === "ignore") line.ignored.push(arg);
      else note(verb === "allow" ? line.allowed : line.denied, name as PermissionName, value);
    } else if (flag === "--allow-all" || flag === "-A") {
      for (const name of PERMISSIONS) note(line.allowed, name, undefined);
    } else if (/^-[A-Za-z]+$/.test(flag) && flag.length === 2 && flag[1] in SHORT_PERMISSIONS) {
      note(line.allowed, SHORT_PERMISSIONS[flag[1]], value);
    } else if (flag.startsWith("--unstable") || KEPT_ALONE.has(flag)) {
      line.kept.push(arg);
    } else if (KEPT.has(flag)) {
      const kept = value ?? args[++at];
      if (kept !== undefined) line.kept.push(`${long(flag)}=${PATHS.has(flag) ? resolve(kept) : kept}`);
    } else if (SKIPPED.has(flag) && value === undefined) {
      at++;
    }
  }
  return line;
}

function apart(arg: string): string[] {
  const [letters, value] = split(arg);
  return [...letters.slice(1)].map((letter, index) =>
    `-${letter}${value !== undefined && index === letters.length - 2 ? `=${value}` : ""}`
  );
}

function split(arg: string): [string, string | undefined] {
  const index = arg.indexOf("=");
  return index === -1 ? [arg, undefined] : [arg.slice(0, index), arg.slice(index + 1)];
}

function long(flag: string): string {
  return flag === "-c" ? "--config" : flag === "-L" ? "--log-level" : flag;
}

function note(map: Map<PermissionName, string[] | true>, name: PermissionName, value: string | undefined): void {
  const before = map.get(name);
  if (value === undefined || value === "") map.set(name, true);
  else if (before !== true) map.set(name, [...before ?? [], ...value.split(",")]);
}

/** The permissions with which a child has no more than the program. */
export function inheritedPermissions(line: CommandLine, permissions: Permissions): string[] {
  const all = PERMISSIONS.every((name) => {
    const { state, partial } = permissions.query(name);
    return state === "granted" && !partial;
  });
  if (all && line.ignored.length === 0) return ["-A"];
  const flags: string[] = [...line.ignored];
  for (const name of PERMISSIONS) {
    const { state, partial } = permissions.query(name);
    const allowed = line.allowed.get(name);
    const denied = line.denied.get(name);
    const absolute = (item: string): string => name === "read" || name === "write" ? permissions.resolve(item) : item;
    if (denied === true) continue;
    if (denied !== undefined) flags.push(`--deny-${name}=${denied.map(absolute).join(",")}`);
    // Nothing is known of what is denied for another reason than a flag.
    if (partial && denied === undefined) continue;
    if (state === "granted") {
      flags.push(`--allow-${name}`);
    } else if (allowed !== undefined && allowed !== true) {
      const items = allowed.map(absolute).filter((item) => permissions.query(name, item).state === "granted");
      if (items.length > 0) flags.push(`--allow-${name}=${items.join(",")}`);
    }
  }
  return flags;
}

/** What a program asks for in place of its own permissions: `"none"`, or some of what it has. */
export type Requested = "none" | object;

/** The flags for permissions that were asked for. What is not granted here is refused with `refuse`. */
function requestedPermissions(
  requested: Requested,
  line: CommandLine,
  permissions: Permissions,
  refuse: (what: string) => never,
): string[] {
  if (requested === "none") return [];
  const inherited = inheritedPermissions(line, permissions);
  const flags: string[] = inherited.filter((flag) => /^--(deny|ignore)-/.test(flag));
  for (const [name, value] of Object.entries(requested)) {
    if (!(PERMISSIONS as readonly string[]).includes(name)) refuse(`there is no permission '${name}'`);
    const permission = name as PermissionName;
    if (value === undefined || value === false || value === "none") continue;
    if (value === "inherit") {
      if (inherited.includes("-A")) flags.push(`--allow-${name}`);
      else flags.push(...inherited.filter((flag) => flag === `--allow-${name}` || flag.startsWith(`--allow-${name}=`)));
    } else if (value === true) {
      if (permissions.query(permission).state !== "granted") {
        refuse(`this program does not have all of '${name}' itself`);
      }
      flags.push(`--allow-${name}`);
    } else if (Array.isArray(value)) {
      const items = value.map((item) => {
        const text = item instanceof URL ? decodeURIComponent(item.pathname) : String(item);
        return name === "read" || name === "write" || name === "ffi" ? permissions.resolve(text) : text;
      });
      const missing = items.find((item) => permissions.query(permission, item).state !== "granted");
      if (missing !== undefined) refuse(`this program does not have '${name}' of ${missing} itself`);
      if (items.length > 0) flags.push(`--allow-${name}=${items.join(",")}`);
    } else {
      refuse(`'${name}' must be "inherit", a boolean or an array: received ${String(value)}`);
    }
  }
  return flags;
}

/** Flags of Bun, with a value behind, that say what is run: the code itself, or where. A child would run it anew. */
const BUN_SKIPPED = new Set(["-e", "--eval", "-p", "--print", "--cwd"]);
/** Flags of Bun that are for one process: it is run again with every change, or has a port of its own. */
const BUN_SKIPPED_ALONE = /^(?:-|--watch|--hot|--no-clear-screen|--inspect(?:-wait|-brk)?(?:=.*)?)$/;

/** The flags with which a child is started on Bun, of those of this program. */
export function keptOfBun(flags: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const [name] = flags[i].split("=", 1);
    if (BUN_SKIPPED.has(name)) {
      if (name === flags[i]) i++;
    } else if (!BUN_SKIPPED_ALONE.test(flags[i])) {
      kept.push(flags[i]);
    }
  }
  return kept;
}
