/**
 * The command that starts the runtime of a child. With it the child finds modules as the program does, and gets the
 * permissions of the program or fewer.
 *
 * Deno looks for its configuration, with the import map, the lock file and the packages, from the folder of the main module
 * upwards. The main module of a child belongs to this library, which may be anywhere. So the command names the configuration
 * that the program uses. Bun looks from the folder of each module, so it needs none of this.
 *
 * Deno does not tell a program its command line, but the system does: flags that matter to the program's modules are read
 * from there. Deno answers only for one permission, or one item of a permission, at a time. So the items are read from
 * the command line too, and a child gets an item only if Deno says that it is still granted. Items from elsewhere (a set
 * of permissions in a configuration, an answer to a prompt) are not known, so a child does not get them: it may have
 * fewer permissions than the program, but never more.
 *
 * @module
 */

import { NotSupportedError } from "../errors.ts";
import { mainModule, requireOwnModules } from "../runtime/modules.ts";
import { isBundled, processEntry, VARIABLE } from "../runtime/own_files.ts";
import { isBun, nodeProcess } from "../runtime/runtime.ts";
import { runtimePath } from "../runtime/spawn.ts";
import { programArguments } from "../runtime/this_thread.ts";
import { loadProcessCalls } from "../system/system.ts";
import { mainOfProgram } from "../targets/places.ts";

/** How to start a child. */
interface RuntimeCommand {
  readonly args: readonly string[];
  /** The folder in which its runtime starts, if not that of this process. The child itself then changes to its own folder. */
  readonly cwd: string | undefined;
  /** Whether it may call the C library. */
  readonly hasFfi: boolean;
}

export { VARIABLE };

interface DenoPermissions {
  readonly permissions: {
    querySync(descriptor: Record<string, unknown>): { state: string; partial?: boolean };
  };
  readonly errors: { NotCapable: new (message: string) => Error };
}

const deno = (globalThis as unknown as { Deno?: DenoPermissions }).Deno;
/** The permissions of Deno. */
const PERMISSIONS = ["read", "write", "net", "env", "run", "sys", "ffi", "import"] as const;

/** One of {@linkcode PERMISSIONS}. */
export type PermissionName = (typeof PERMISSIONS)[number];

/** The key of an item in a query to Deno, for each permission. */
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

/** Throws unless this program may start processes. Never prompts. */
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
  if (!query("env", VARIABLE)) refuse("env", "a process gets its task through an environment variable");
}

/** Throws unless this program may read the module of a target. The child must read it. */
export function checkReadable(module: string | undefined): void {
  if (deno === undefined || module === undefined || !module.startsWith("file:")) return;
  if (deno.permissions.querySync({ name: "read", path: new URL(module) }).state === "granted") return;
  throw new deno.errors.NotCapable(
    `Cannot start process as its module must be allowed to be read: run with --allow-read, or with --allow-read=${
      decodeURIComponent(new URL(module).pathname)
    }`,
  );
}

/** Whether this program may call the C library. Never prompts. */
export function mayCallSystem(): boolean {
  return deno === undefined || deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

/** The command line of this process, once it was read. */
let line: CommandLine | undefined;
/** The current folder when the command line was read. Paths in the command line are relative to it. */
let firstFolder: string | undefined;

/**
 * Returns the command that starts a child with these permissions.
 *
 * @param modules The modules in which its target is looked for. A child that may not call the C library can import them, even
 * without any permissions.
 */
export function runtimeCommand(permissions: "inherit" | Requested, modules: readonly string[] = []): RuntimeCommand {
  requireOwnModules("start process");
  const entry = processEntry();
  if (deno === undefined) {
    if (permissions !== "inherit") {
      throw new NotSupportedError(
        `Cannot start process with 'permissions' as this runtime has no permissions: leave them out, or run on Deno`,
      );
    }
    const { execArgv } = nodeProcess();
    const kept = isBun ? keptOfBun(execArgv) : keptOfNode(execArgv);
    return {
      args: [...(entry === undefined ? [] : [...kept, fileOf(entry)]), ...programArguments()],
      cwd: undefined,
      hasFfi: true,
    };
  }
  if (entry === undefined) {
    if (permissions === "inherit") return { args: programArguments(), cwd: undefined, hasFfi: true };
    throw new NotSupportedError(
      "Cannot start process with 'permissions' as the program is compiled, with the permissions of all its processes: leave them out",
    );
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
        // Deno does not understand this item.
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
  if (hasFfi) return { args: [...start, ...flags, entry, ...programArguments()], cwd, hasFfi };
  if (isBundled) {
    throw new NotSupportedError(
      "Cannot start process without the permission 'ffi' as the program is a bundle: grant it with permissions: { ffi: true, … }, or leave the library out of the bundle",
    );
  }
  return { args: [...start, ...flags, entryWith(entry, modules), ...programArguments()], cwd: undefined, hasFfi };
}

// Deno imports every module in the graph of the main module without a read permission. The function in this main module
// is never called, but its imports are in the graph.
function entryWith(entry: string, modules: readonly string[]): string {
  const imports = modules.map((module) => `import(${JSON.stringify(module)})`).join(",");
  const code = `import ${JSON.stringify(entry)};()=>[${imports}]`;
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

// Finds the configuration of the program as Deno does, unless a flag names the configuration. Deno looks from the folder
// of the main module upwards, and the main module of a child is in another folder. If a folder has only a package.json,
// it has no configuration to name. Then the child looks for packages beside the modules that import them. For modules
// from elsewhere, such as this library, it looks in the folder in which it starts.
function configuration({ kept }: CommandLine): { found: string[]; packageFolder?: string } {
  if (kept.some((flag) => flag === "--no-config" || flag.startsWith("--config="))) return { found: [] };
  const calls = loadProcessCalls("start process");
  let folder = mainFolder() ?? `${firstFolder}/`;
  let packageFolder: string | undefined;
  for (;;) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = folder + name;
      if (!calls.exists(path)) continue;
      // A configuration further up applies to the package only if it is a workspace.
      if (packageFolder === undefined || isWorkspace(path)) return { found: [`--config=${path}`] };
    }
    // The packages of a member of a workspace are in the folder of the workspace.
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

/** The main module of the program: in a child, too, it is the main module of the first process. */
export function mainOfThis(): string | undefined {
  return mainOfProgram() ?? mainModule();
}

/** The folder of the program's main module; `undefined` if the module is not a file. */
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

/** What a program may do. */
interface Permissions {
  /** The state of a whole permission, or of an item of it. `partial`: some items are denied. */
  query(name: PermissionName, item?: string): { state: string; partial: boolean };
  /** Makes a path of the command line absolute. */
  resolve(path: string): string;
}

/** Flags that a child gets, with a value: behind a `=`, or in the next argument. */
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
/** Flags that a child gets, without a value or with a value behind a `=`. */
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
/** Flags that a child does not get, and whose value may be in the next argument. */
const SKIPPED = new Set(["--ext", "--seed", "--filter", "--junit-path", "--reporter", "--inspect-publish-uid"]);
/** Flags whose value is a path. */
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
  /** The flags for a child that are not about permissions. */
  readonly kept: string[];
  /** What the flags grant and deny, for each permission: items, or `true` for all of it. */
  readonly allowed: Map<PermissionName, string[] | true>;
  readonly denied: Map<PermissionName, string[] | true>;
  /** The `--ignore-…` flags, with which Deno denies items without an error. */
  readonly ignored: string[];
}

/** Parses a command line of Deno, without the name of the program. */
export function parseCommandLine(given: readonly string[], resolve: (path: string) => string): CommandLine {
  // Several short flags in one argument: -RW is the same as -R -W.
  const args = given.flatMap((arg) => /^-[A-Za-z]{2,}(=|$)/.test(arg) ? apart(arg) : [arg]);
  const line: CommandLine = { kept: [], allowed: new Map(), denied: new Map(), ignored: [] };
  let at = 0;
  // The subcommand `run` may be left out.
  let isRun = true;
  const isSubcommand = (): boolean => SUBCOMMANDS.has(args[at]);
  if (isSubcommand()) isRun = args[at++] === "run";
  for (; at < args.length; at++) {
    const arg = args[at];
    if (arg === "--") break;
    if (!arg.startsWith("-") || arg === "-") {
      // The arguments of the program begin behind the module of `run`. In `deno --quiet run x.ts` a flag comes before the
      // subcommand.
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

/** The flags that give a child the permissions of the program, as far as they are known. */
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
    // Items of it are denied, but not by a flag. It is not known which, so the child gets nothing of this permission.
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

/** The `permissions` of a process that does not inherit them: `"none"`, or an object of permissions. */
export type Requested = "none" | object;

/** The flags for permissions that the program asks for. Calls `refuse` if the program does not have a permission itself. */
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

/** Flags of Bun with a value that name the program's code or folder. With them a child would run that code again. */
const BUN_SKIPPED = new Set(["-e", "--eval", "-p", "--print", "--cwd"]);
/** Flags of Bun that are meant for a single process: to run again after each change, or to listen on a port for a debugger. */
const BUN_SKIPPED_ALONE = /^(?:-|--watch|--hot|--no-clear-screen|--inspect(?:-wait|-brk)?(?:=.*)?)$/;

/** Flags of Node with a value that name the program's code, or are meant for the whole program. */
const NODE_SKIPPED = new Set([
  "-e",
  "--eval",
  "-p",
  "-pe",
  "--print",
  "--inspect-port",
  "--input-type",
  "--watch-path",
]);
/** Flags of Node that are meant for a single process, or with which a child would run something else than its module. */
const NODE_SKIPPED_ALONE =
  /^(?:-|-i|--interactive|-c|--check|--(?:watch|inspect|test|run|cpu-prof|heap-prof|prof|experimental-test)(?:-[\w-]+)?(?:=.*)?)$/;
/** Each process that uses `node:ffi` would print a warning, and the first process has printed it. */
const NODE_QUIET = "--disable-warning=ExperimentalWarning";

/** The flags of this program that a child on Node gets as well. */
export function keptOfNode(flags: readonly string[]): string[] {
  const kept = keptOf(flags, NODE_SKIPPED, NODE_SKIPPED_ALONE);
  return kept.includes(NODE_QUIET) ? kept : [...kept, NODE_QUIET];
}

/** The flags of this program that a child on Bun gets as well. */
export function keptOfBun(flags: readonly string[]): string[] {
  return keptOf(flags, BUN_SKIPPED, BUN_SKIPPED_ALONE);
}

/** Leaves out flags. `skipped`: those that have a value, behind a `=` or in the next argument. */
function keptOf(flags: readonly string[], skipped: ReadonlySet<string>, skippedAlone: RegExp): string[] {
  const kept: string[] = [];
  for (let i = 0; i < flags.length; i++) {
    const [name] = flags[i].split("=", 1);
    if (skipped.has(name)) {
      if (name === flags[i]) i++;
    } else if (!skippedAlone.test(flags[i])) {
      kept.push(flags[i]);
    }
  }
  return kept;
}
