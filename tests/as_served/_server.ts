/** Serves the package as a registry of TypeScript packages does: over HTTP, its bare imports made into `npm:` ones. */

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const TYPES: Record<string, string> = {
  ts: "application/typescript; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json; charset=utf-8",
};

/** The names that the project maps to packages, and the names that it maps to its own files. */
export const { packages, entryPoints } = readImports();

function readImports(): { packages: Record<string, string>; entryPoints: Record<string, string> } {
  const { imports } = JSON.parse(readFileSync(`${ROOT}deno.json`, "utf8")) as { imports: Record<string, string> };
  const isOwn = ([, target]: [string, string]) => target.startsWith("./");
  const all = Object.entries(imports);
  return {
    packages: Object.fromEntries(all.filter((entry) => !isOwn(entry))),
    entryPoints: Object.fromEntries(all.filter(isOwn)),
  };
}

/** `"msgpackr/pack"` becomes `"npm:msgpackr@^2.1.4/pack"`, in static and in dynamic imports. */
export function resolveBare(source: string): string {
  return source.replace(
    /(\bfrom\s*|\bimport\s*\(?\s*)"([^"./:][^":]*)"/g,
    (whole, before: string, specifier: string) => {
      const name = Object.keys(packages).find((name) => specifier === name || specifier.startsWith(`${name}/`));
      return name === undefined ? whole : `${before}"${packages[name]}${specifier.slice(name.length)}"`;
    },
  );
}

/** A server of the package's modules. */
export interface Server {
  readonly origin: string;
  /** Paths asked for, in order. */
  readonly requests: string[];
  stop(): void;
}

/** Starts serving on a free port of this machine. */
export function serve(): Promise<Server> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname);
    requests.push(path);
    const type = TYPES[path.split(".").at(-1)!];
    try {
      // No test file or tool is part of the package, nor anything outside of it.
      if (
        type === undefined || !/^\/(mod\.ts$|_internal\/|sync\/|threading\/|multiprocessing\/|distributed\/)/.test(path)
      ) {
        throw path;
      }
      const source = readFileSync(ROOT + path.slice(1), "utf8");
      response.writeHead(200, { "content-type": type });
      response.end(resolveBare(source));
    } catch {
      response.writeHead(404);
      response.end();
    }
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      const stop = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ origin: `http://127.0.0.1:${port}`, requests, stop });
    });
  });
}
