/**
 * Functions of a program, on machines that have the same files elsewhere: modules by their paths below a root, and hashes of what
 * a function is made of, so that it runs nowhere in another version.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TargetError } from "../_internal/errors.ts";
import { mainModule, readModule, urlOfModule } from "../_internal/runtime/modules.ts";
import type { TargetDescriptor } from "../_internal/targets/describe.ts";
import { importsOf } from "../_internal/targets/places.ts";

/** Stands before the path of a module below the root. */
const BELOW = "root:";
/** What says where a program's root is. */
const MANIFESTS = ["deno.json", "deno.jsonc", "package.json"];
/** What says which versions of packages a program has. */
const LOCKS = ["deno.lock", "package-lock.json", "bun.lock", "bun.lockb", "yarn.lock", "pnpm-lock.yaml"];
/** More files are not looked at. */
const MANY = 5000;

/** A function, as an agent gets it. */
export interface Portable {
  /** The description, with modules below the root. */
  readonly descriptor: TargetDescriptor;
  /** The function's name, for messages. */
  readonly name: string;
  /** The files that it is made of, below the root, with their hashes. */
  readonly files: Readonly<Record<string, string>>;
}

/** The root of this program: the nearest folder above a module that has a manifest, or else the module's own. */
export function rootOf(module: string | undefined = mainModule()): string {
  const start = module?.startsWith("file:") ? new URL("./", module) : pathToFileURL(`${process.cwd()}/`);
  for (let folder = start;; folder = new URL("../", folder)) {
    if (MANIFESTS.some((name) => existsSync(new URL(name, folder)))) return folder.href;
    if (folder.pathname === "/" || new URL("../", folder).href === folder.href) return start.href;
  }
}

/** A root that a program names: a folder, as a path or URL. */
export function rootFrom(root: string | URL): string {
  const href = root instanceof URL
    ? root.href
    : /^[a-z][a-z0-9+.-]+:/i.test(root)
    ? new URL(root).href
    : pathToFileURL(root).href;
  return href.endsWith("/") ? href : `${href}/`;
}

/**
 * A description in which modules are below the root.
 *
 * @throws {TargetError} If the function's module is not below the root, and no machine has it by its name.
 */
export function toPortable(descriptor: TargetDescriptor, root: string, isChecked: boolean): TargetDescriptor {
  if (descriptor.kind === "global") return descriptor;
  const toRelative = (module: string): string | undefined => {
    if (module.startsWith(root)) return BELOW + module.slice(root.length);
    // By such a name it is the same everywhere.
    return /^(?:jsr|npm|https?|node|data):/.test(module) ? module : undefined;
  };
  const required = (module: string): string => {
    const relative = toRelative(module);
    if (relative !== undefined) return relative;
    throw new TargetError(
      `Cannot use a function of ${module} as ${descriptor.what} as the module is not below the root ${root}: move it there, or say where the root is with the option 'root'`,
    );
  };
  if (descriptor.kind === "export") return { ...descriptor, module: required(descriptor.module) };
  const { module, modules, main } = descriptor;
  return {
    ...descriptor,
    isTrusted: !isChecked,
    module: module === undefined ? undefined : required(module),
    modules: modules.map(toRelative).filter((each) => each !== undefined),
    main: main === undefined ? undefined : toRelative(main),
  };
}

/**
 * The description for this machine. Modules that the sender calls by paths that leave the root are refused.
 *
 * @throws {TargetError} If a module is not below the root.
 */
export function fromPortable(descriptor: TargetDescriptor, root: string): TargetDescriptor {
  if (descriptor.kind === "global") return descriptor;
  const toLocal = (module: string): string => {
    if (!module.startsWith(BELOW)) {
      if (/^(?:jsr|npm|https?|node|data):/.test(module)) return module;
      throw new TargetError(`Cannot use a function of ${module} as its module is not named below the agent's root`);
    }
    const url = new URL(`./${module.slice(BELOW.length)}`, root);
    // What is a slash to the file system is one here as well.
    if (url.href.startsWith(root) && !/%(?:2f|5c)/i.test(url.pathname)) return url.href;
    throw new TargetError(`Cannot use a function of ${module} as its module is not below the agent's root`);
  };
  if (descriptor.kind === "export") return { ...descriptor, module: toLocal(descriptor.module) };
  const { module, modules, main } = descriptor;
  return {
    ...descriptor,
    module: module === undefined ? undefined : toLocal(module),
    modules: modules.map(toLocal),
    main: main === undefined ? undefined : toLocal(main),
  };
}

/** Other code than that below the root: the agent makes functions of sources only where it says so, and runs no others. */
const FOREIGN = /^(?:data|https?|node):/;
const MAKERS = /^(?:eval|Function|setTimeout|setInterval|Deno|Bun|process)\b|\.(?:constructor|Function|eval)$/;

/**
 * Refuses what is as good as code from elsewhere, for an agent that makes no functions of their sources.
 *
 * @throws {TargetError} If the description is of a text, of a module of the runtime, or of what makes code of texts.
 */
export function requireExport(descriptor: TargetDescriptor): void {
  const modules = descriptor.kind === "global"
    ? []
    : descriptor.kind === "export"
    ? [descriptor.module]
    : [descriptor.module ?? "", descriptor.main ?? "", ...descriptor.modules];
  const refused = descriptor.kind === "global" && MAKERS.test(descriptor.path)
    ? descriptor.path
    : modules.find((module) => FOREIGN.test(module));
  if (refused === undefined) return;
  throw new TargetError(
    `Cannot use a function of ${refused} as ${descriptor.what} as this agent runs what is below its root, and no other code: serve with { inline: true }`,
  );
}

/** The hashes of the files that a function of a module is made of: it, what it imports, and the lock files. */
export async function hashesOf(descriptor: TargetDescriptor, root: string): Promise<Record<string, string>> {
  if (descriptor.kind === "global" || descriptor.module === undefined) return {};
  const files = new Set([descriptor.module]);
  for (const module of files) {
    if (files.size > MANY) break;
    for (const imported of importsOf(module)) {
      const url = urlOfModule(imported);
      if (url?.startsWith(root) && !url.includes("/node_modules/")) files.add(withoutQuery(url));
    }
  }
  for (const lock of LOCKS) if (existsSync(new URL(lock, root))) files.add(new URL(lock, root).href);
  const hashes: Record<string, string> = {};
  for (const file of [...files].sort()) {
    if (!file.startsWith(root)) continue;
    const hash = await hashOf(file);
    if (hash !== undefined) hashes[file.slice(root.length)] = hash;
  }
  return hashes;
}

/** The first of these files that is another on this machine, and how; `undefined`: none is. */
export async function differenceFrom(
  files: Readonly<Record<string, string>>,
  root: string,
): Promise<string | undefined> {
  for (const [file, hash] of Object.entries(files)) {
    const url = new URL(`./${file}`, root);
    if (!url.href.startsWith(root)) return `${file} is not below the agent's root`;
    const own = await hashOf(url.href);
    if (own === undefined) return `${file} is not there`;
    if (own !== hash) return `${file} is another`;
  }
  return undefined;
}

async function hashOf(file: string): Promise<string | undefined> {
  const bytes = bytesOf(file);
  if (bytes === undefined) return undefined;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest.subarray(0, 16), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(file: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(readFileSync(fileURLToPath(withoutQuery(file))));
  } catch {
    const text = readModule(file);
    return text === undefined ? undefined : new TextEncoder().encode(text);
  }
}

function withoutQuery(url: string): string {
  return url.replace(/[?#].*$/, "");
}
