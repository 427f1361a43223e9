/**
 * `deno task pack`: makes the package for npm, in `dist/npm`.
 *
 * All modules are compiled together, into chunks that the entry points share: a worker that loads ten files starts in half the
 * time of a worker that loads sixty. The files with which workers and children begin stay files of their own, where
 * _internal/runtime/own_files.ts says. The result is not to be edited: `dist/` is not part of the source.
 *
 *     deno task pack              makes the package
 *     deno task pack --sizes      and says how large the entry points are
 */

import * as esbuild from "esbuild";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix, relative } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import ts from "typescript";
import { OWN_FILES } from "../_internal/runtime/own_files.ts";
import { ROOT } from "./_install.ts";

const OUT = join(ROOT, "dist", "npm");
const project = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8")) as {
  name: string;
  version: string;
  license: string;
  exports: Record<string, string>;
};
const source = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  description: string;
  dependencies: Record<string, string>;
};
/**
 * A package that becomes part of this one: the parser that searches for functions. Workers of a browser have no import map, so
 * they could not find it by its name.
 */
const INCLUDED = "acorn";
const { [INCLUDED]: _included, ...dependencies } = source.dependencies;

/** Where the runtimes look. All of them get the same files. */
const CONDITIONS = ["deno", "bun", "node", "browser", "default"];

const MARK = "const IS_PACKED: boolean = false;";

/** What differs in the packed library from its source. */
const packed: esbuild.Plugin = {
  name: "packed",
  setup({ onLoad, onResolve }) {
    onLoad({ filter: /\/own_files\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      if (!text.includes(MARK)) throw new Error(`Cannot pack as ${path} has no line '${MARK}'`);
      return { contents: text.replace(MARK, MARK.replace("false", "true")), loader: "ts" };
    });
    // If two classes in a chunk have one name, or a class names itself, esbuild renames them, and messages show the names.
    // esbuild's own keepNames does this for every function as well, which takes each start more than a millisecond.
    onLoad({ filter: /\/(?:sync|threading|multiprocessing)\/\w+\.ts$|\/runner\.ts$/ }, ({ path }) => {
      const text = readFileSync(path, "utf8");
      const classes = [...text.matchAll(/^(?:export )?(?:abstract )?class (\w+)/gm)].map(([, name]) => name);
      const named = classes.map((name) => `Object.defineProperty(${name}, "name", { value: "${name}" });`);
      return { contents: [text, ...named].join("\n"), loader: "ts" };
    });
    // In the source it stands in the program's graph, so that Deno has it where it comes from the network. In a chunk it
    // would no longer know whether it is a worker's first module.
    onResolve({ filter: /\/worker_entry\.ts$/ }, ({ kind }) => kind === "entry-point" ? undefined : EMPTY);
    // In the source a worker's first module has it in its graph for the same reason. Few threads need it.
    onResolve({ filter: /\/search\.ts$/ }, ({ importer }) => importer.endsWith("/worker_entry.ts") ? EMPTY : undefined);
    onLoad({ filter: /.*/, namespace: EMPTY.namespace }, () => ({ contents: "" }));
  },
};
const EMPTY = { path: "empty", namespace: "empty" };

const SHARED: esbuild.BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2024",
  external: [...Object.keys(dependencies), "node:*", "bun:*"],
  logLevel: "warning",
  // A call whose second argument is made elsewhere is left as it is, as intended.
  logOverride: { "unsupported-dynamic-import": "silent" },
  plugins: [packed],
};

async function build(out: string): Promise<esbuild.Metafile> {
  const { metafile } = await esbuild.build({
    ...SHARED,
    entryPoints: [...Object.values(project.exports), ...Object.values(OWN_FILES).map((file) => `${file}.ts`)],
    outbase: ROOT,
    outdir: out,
    chunkNames: "_internal/chunk-[hash]",
    splitting: true,
    // A runtime reads these files at each start, comments and all. Names stay as they are, for stacks, and lines are short: Bun
    // shows those around an error.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 120,
    // Beside the files, and not named in them: where the sources are missing, Deno mistakes a map's lines for the file's.
    sourcemap: "external",
    metafile: true,
  });
  return metafile;
}

/** Writes the types of all modules that the public ones name, each in a file of its own as in the source. How many. */
function writeTypes(out: string): number {
  const entries = Object.values(project.exports).map((path) => posix.normalize(path));
  const texts = new Map<string, string>();
  const program = ts.createProgram(entries.map((file) => join(ROOT, file)), {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.Preserve,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts", "lib.dom.asynciterable.d.ts"],
    types: [],
    strict: true,
    allowImportingTsExtensions: true,
    declaration: true,
    emitDeclarationOnly: true,
    // `deno check` has done this already.
    noCheck: true,
    rootDir: ROOT,
    outDir: out,
  });
  program.emit(undefined, (path, text) => texts.set(relative(out, path), text), undefined, true);
  const written = new Set<string>();
  const open = entries;
  for (let file; (file = open.pop()) !== undefined;) {
    if (written.has(file)) continue;
    written.add(file);
    const folder = posix.dirname(file);
    const types = file.replace(/\.ts$/, ".d.ts");
    const text = texts.get(types);
    if (text === undefined) throw new Error(`Cannot pack as ${file} has no types`);
    write(
      join(out, types),
      text.replace(/(\bfrom |\bimport\(|\bimport )"(\.[^"]+)\.ts"/g, (_all, before, path) => {
        open.push(posix.join(folder, `${path}.ts`));
        return `${before}"${path}.js"`;
      }),
    );
  }
  return written.size;
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

function writePackage(out: string): void {
  const exports = Object.fromEntries(
    Object.entries(project.exports).map(([name, path]) => {
      const module = path.replace(/\.ts$/, ".js");
      const conditions = CONDITIONS.map((condition) => [condition, module]);
      return [name, { types: path.replace(/\.ts$/, ".d.ts"), ...Object.fromEntries(conditions) }];
    }),
  );
  const { name, version, license } = project;
  const { description } = source;
  const bin = { "weft-agent": project.exports["./agent"].replace(/\.ts$/, ".js") };
  const about = { name, version, description, license, type: "module", exports, bin, dependencies };
  write(join(out, "package.json"), `${JSON.stringify(about, undefined, 2)}\n`);
  for (const file of ["README.md", "CHANGELOG.md", "LICENSE"]) cpSync(join(ROOT, file), join(out, file));
  cpSync(join(ROOT, "node_modules", INCLUDED, "LICENSE"), join(out, `LICENSE-${INCLUDED}`));
}

/** How large an entry point is. */
export interface Size {
  /** `./sync`. */
  readonly name: string;
  /** KiB of it with all that it imports statically, minified. */
  readonly minified: number;
  /** The same, and compressed by gzip. */
  readonly compressed: number;
}

/** How large each entry point is. */
export async function sizes(): Promise<Size[]> {
  const found: Size[] = [];
  for (const [name, entry] of Object.entries(project.exports)) found.push({ name, ...await sizeOf(entry) });
  await esbuild.stop();
  return found;
}

async function sizeOf(entry: string): Promise<Omit<Size, "name">> {
  const { outputFiles } = await esbuild.build({
    ...SHARED,
    entryPoints: [entry],
    splitting: false,
    minify: true,
    write: false,
    // Dynamic imports are not loaded with it.
    external: [...SHARED.external!, "*/resolve.ts"],
  });
  const bytes = outputFiles[0].contents;
  return { minified: bytes.length / 1024, compressed: gzipSync(bytes, { level: 9 }).length / 1024 };
}

/** Makes the package, in place of what the folder has. */
export async function pack(out: string = OUT): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  const metafile = await build(out);
  const types = writeTypes(out);
  writePackage(out);
  const outputs = Object.entries(metafile.outputs).filter(([path]) => path.endsWith(".js"));
  const chunks = outputs.filter(([path]) => path.includes("/chunk-"));
  const bytes = outputs.reduce((sum, [, output]) => sum + output.bytes, 0);
  console.log(
    `${relative(ROOT, out)}: ${outputs.length} modules, ${chunks.length} of them chunks, ${
      Math.round(bytes / 1024)
    } KiB, and types of ${types}`,
  );
  await esbuild.stop();
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { sizes: { type: "boolean", default: false } } });
  await pack();
  for (const { name, minified, compressed } of values.sizes ? await sizes() : []) {
    console.log(`${name}: ${minified.toFixed(1)} KiB minified, ${compressed.toFixed(1)} KiB compressed`);
  }
}
