/**
 * Serves pages that use the packed library, on a port of this machine: `dist/npm` below `/weft/`, and a folder of the repository
 * below `/`. Modules in TypeScript are served as JavaScript.
 *
 * @module
 */

import * as esbuild from "esbuild";
import { existsSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { ROOT } from "./_install.ts";

/** A server of pages. */
export interface PageServer {
  /** `http://localhost:1234/` */
  readonly url: string;
  close(): Promise<void>;
}

/** How pages are served. */
export interface PageServerOptions {
  /** Whether pages are cross-origin isolated. Default: true. */
  readonly isolated?: boolean;
  /** The port. Default: a free one. */
  readonly port?: number;
  /** Further headers of each response. */
  readonly headers?: Record<string, string>;
}

const TYPES: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  ts: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
};

/** The library's modules as TypeScript names them. */
const OWN = /(?<=\bfrom |\bimport\()"@weft\/concurrent\/(\w+)"/g;

/** The two headers with which a browser lets a page share memory with its workers. */
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};

/** Serves the packed library and a folder, as a path from the root of the repository. */
export function servePages(folder: string, options: PageServerOptions = {}): PageServer {
  const headers = { ...(options.isolated !== false && ISOLATION), ...options.headers };
  const server = Deno.serve({ port: options.port ?? 0, hostname: "127.0.0.1", onListen() {} }, async ({ url }) => {
    const path = normalize(decodeURIComponent(new URL(url).pathname));
    const file = path.startsWith("/weft/") ? join(ROOT, "dist/npm", path.slice(6)) : join(ROOT, folder, path);
    const found = existsSync(file) && statSync(file).isDirectory() ? join(file, "index.html") : file;
    const type = TYPES[found.split(".").at(-1)!];
    if (type === undefined || !existsSync(found)) return new Response("Not found", { status: 404, headers });
    const body = found.endsWith(".ts") ? await toBrowser(await readFile(found, "utf8")) : await readFile(found);
    // The names of chunks change with their contents.
    const cache = /\/chunk-\w+\.js$/.test(found) ? "max-age=86400, immutable" : "no-cache";
    return new Response(body, { headers: { ...headers, "Content-Type": type, "Cache-Control": cache } });
  });
  const close = async () => {
    await server.shutdown();
    await esbuild.stop();
  };
  return { url: `http://localhost:${server.addr.port}/`, close };
}

/** TypeScript without its types, and with the addresses of the library's modules: workers of a browser have no import map. */
async function toBrowser(text: string): Promise<string> {
  const { code } = await esbuild.transform(text, { loader: "ts", format: "esm", target: "es2024" });
  return code.replace(OWN, '"/weft/$1/mod.js"');
}
