/**
 * Describes functions for machines that have the same files in another folder: modules by their paths below a root, and
 * hashes of the files that a function is made of, so that no machine runs another version of it.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { TargetError } from "../_internal/errors.ts";
import { mainModule, readModule, urlOfModule } from "../_internal/runtime/modules.ts";
import type { TargetDescriptor } from "../_internal/targets/describe.ts";
import { importsOf } from "../_internal/targets/places.ts";

/** The prefix of a module's path below the root. */
const BELOW = "root:";
/** The files that mark a program's root. */
const MANIFESTS = ["deno.json", "deno.jsonc", "package.json"];
/** The files that fix the versions of a program's packages. */
const LOCKS = ["deno.lock", "package-lock.json", "bun.lock", "bun.lockb", "yarn.lock", "pnpm-lock.yaml"];
/** The most files that are compared. */
const MANY = 5000;

/** A function as an agent receives it. */
export interface Portable {
  /** The description, in which modules are below the root. */
  readonly descriptor: TargetDescriptor;
  /** The function's name, for messages. */
  readonly name: string;
  /** The hashes of the files that it is made of, by their paths below the root. */
  readonly files: Readonly<Record<string, string>>;
}

/** The root of this program: the nearest folder above a module that has a manifest, or the module's own folder. */
export function rootOf(module: string | undefined = mainModule()): string {
  const start = module?.startsWith("file:") ? new URL("./", module) : pathToFileURL(`${process.cwd()}/`);
  for (let folder = start;; folder = new URL("../", folder)) {
    if (MANIFESTS.some((name) => existsSync(new URL(name, folder)))) return folder.href;
    if (folder.pathname === "/" || new URL("../", folder).href === folder.href) return start.href;
  }
}

/** The URL of a root that is given as a path or URL of a folder. */
export function rootFrom(root: string | URL): string {
  const href = root instanceof URL
    ? root.href
    : /^[a-z][a-z0-9+.-]+:/i.test(root)
    ? new URL(root).href
    : pathToFileURL(root).href;
  return href.endsWith("/") ? href : `${href}/`;
}

/**
 * Makes a description in which modules are below the root.
 *
 * @throws {TargetError} If the function's module is not below the root, and its name does not mean the same on every
 * machine.
 */
export function toPortable(descriptor: TargetDescriptor, root: string, isChecked: boolean): TargetDescriptor {
  if (descriptor.kind === "global") return descriptor;
  const toRelative = (module: string): string | undefined => {
    if (module.startsWith(root)) return BELOW + module.slice(root.length);
    // Such a name means the same module on every machine.
    return /^(?:jsr|npm|https?|node|data):/.test(module) ? module : undefined;
  };
  const required = (module: string): string => {
    const relative = toRelative(module);
    if (relative !== undefined) return relative;
    throw new TargetError(
      `Cannot use a function of ${module} as ${descriptor.what} as the module is not below the root ${root}: move it there, or set the option 'root'`,
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
 * Makes the description for this machine. Paths that leave the root are refused.
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
    // Encoded slashes are refused: the file system would decode them, and the path could leave the root.
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

/** Code that is not below the root. An agent runs it only if it accepts functions that no module exports. */
const FOREIGN = /^(?:data|https?|node):/;
const MAKERS = /^(?:eval|Function|setTimeout|setInterval|Deno|Bun|process)\b|\.(?:constructor|Function|eval)$/;

/**
 * Refuses code from outside the root, for an agent that accepts only exported functions.
 *
 * @throws {TargetError} If the description names a text, a module of the runtime, or a function that turns texts into
 * code.
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
    `Cannot use a function of ${refused} as ${descriptor.what} as this agent runs only code below its root: serve with { inline: true }`,
  );
}

/** The hashes of the files that a function is made of: its module, all that this imports, and the lock files. */
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

/** The first of these files that differs on this machine, and how; `undefined`: none does. */
export async function differenceFrom(
  files: Readonly<Record<string, string>>,
  root: string,
): Promise<string | undefined> {
  for (const [file, hash] of Object.entries(files)) {
    const url = new URL(`./${file}`, root);
    if (!url.href.startsWith(root)) return `${file} is not below the agent's root`;
    const own = await hashOf(url.href);
    if (own === undefined) return `${file} is missing`;
    if (own !== hash) return `${file} differs`;
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
