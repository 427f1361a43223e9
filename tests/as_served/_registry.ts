/**
 * Registries as those from which users install: this library as an npm package, with the packages that it needs, and as the
 * TypeScript package that Deno adds.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ROOT } from "../../tools/_install.ts";
import { run } from "../../tools/_run.ts";
import { resolveBare } from "./_server.ts";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** What a path answers. */
type Answers = Map<string, { type: string; body: string | Uint8Array }>;

/** A server of both registries. */
export interface Registry {
  /** The variables by which npm, Bun and Deno find them. */
  readonly env: Record<string, string>;
  stop(): void;
}

/** Serves the packed library in the folder `packed`, and this repository's source. `scratch`: a folder for what that takes. */
export async function serveRegistry(packed: string, scratch: string): Promise<Registry> {
  const answers: Answers = new Map();
  const server = createServer(({ url }, response) => {
    const answer = answers.get(decodeURIComponent(new URL(url ?? "/", "http://localhost").pathname));
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": answer?.type ?? "text/plain" });
    response.end(answer?.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await addNpm(answers, origin, packed, scratch);
  addSource(answers);
  const npm = `${origin}/`;
  return {
    env: {
      npm_config_registry: npm,
      NPM_CONFIG_REGISTRY: npm,
      BUN_CONFIG_REGISTRY: npm,
      JSR_URL: `${origin}/jsr/`,
      // Nothing comes from what was fetched before.
      npm_config_cache: join(scratch, "npm"),
      BUN_INSTALL_CACHE_DIR: join(scratch, "bun"),
      DENO_DIR: join(scratch, "deno"),
    },
    stop(): void {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The library, and all that it and its source depend on: the repository has that in `node_modules`. */
async function addNpm(answers: Answers, origin: string, packed: string, scratch: string): Promise<void> {
  const tarballs = join(scratch, "tarballs");
  mkdirSync(tarballs, { recursive: true });
  const source = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest;
  const inModules = ({ dependencies = {} }: Manifest) =>
    Object.keys(dependencies).map((name) => join(ROOT, "node_modules", name));
  const open = [packed, ...inModules(source)];
  for (let folder; (folder = open.pop()) !== undefined;) {
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    const { name, version } = manifest;
    if (answers.has(`/${name}`)) continue;
    const pack = ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", tarballs];
    const { code, output } = await run(pack, { cwd: folder, limit: 60_000 });
    if (code !== 0) throw new Error(`Cannot pack ${name}: ${output}`);
    const file = output.trim().split("\n").at(-1)!;
    const body = readFileSync(join(tarballs, file));
    const integrity = `sha512-${createHash("sha512").update(body).digest("base64")}`;
    const dist = { tarball: `${origin}/tarballs/${file}`, integrity };
    const about = { name, "dist-tags": { latest: version }, versions: { [version]: { ...manifest, dist } } };
    answers.set(`/tarballs/${file}`, { type: "application/octet-stream", body });
    answers.set(`/${name}`, { type: "application/json", body: JSON.stringify(about) });
    open.push(...inModules(manifest));
  }
}

/** The files that deno.json publishes, as the registry changes them: bare imports become imports from npm. */
function addSource(answers: Answers): void {
  const { name, version, exports, publish } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  const manifest: Record<string, { size: number; checksum: string }> = {};
  for (const file of (publish.include as string[]).flatMap(filesAt)) {
    const text = readFileSync(join(ROOT, file), "utf8");
    const body = file.endsWith(".ts") ? resolveBare(text) : text;
    const checksum = `sha256-${createHash("sha256").update(body).digest("hex")}`;
    manifest[`/${file}`] = { size: new TextEncoder().encode(body).length, checksum };
    answers.set(`/jsr/${name}/${version}/${file}`, { type: "application/typescript; charset=utf-8", body });
  }
  const json = (path: string, value: unknown) =>
    answers.set(`/jsr/${name}/${path}`, { type: "application/json", body: JSON.stringify(value) });
  json("meta.json", { latest: version, versions: { [version]: {} } });
  json(`${version}_meta.json`, { manifest, exports });
}

function filesAt(path: string): string[] {
  if (!statSync(join(ROOT, path)).isDirectory()) return [path];
  return readdirSync(join(ROOT, path), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesAt(`${path}${entry.name}/`) : [`${path}${entry.name}`]
  );
}
