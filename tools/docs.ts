/**
 * `deno task docs`: the site in dist/site, static files that any server can serve.
 *
 * The pages are those of docs/, the README, CONTRIBUTING and the changelog, built by VitePress with its search. The reference
 * of all classes and functions is that of `deno doc --html`, in api/, with a search of its own; a page of the site lists
 * its symbols, so that the search of the pages finds them too. At the end every link and anchor is followed: a broken one
 * fails the task.
 *
 *     deno task docs            builds and checks
 *     deno task docs --serve    serves what was built, on port 4173
 *
 * `WEFT_DOCS_BASE` is the path under which the site will be served. Default: `/`.
 *
 * @module
 */

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { posix } from "node:path";
import { ENTRY_POINTS, installIn, ROOT } from "./_install.ts";
import { brokenLinks } from "./_links.ts";
import { documentationOf } from "./_public_docs.ts";
import { adaptReference } from "./_reference.ts";
import { run } from "./_run.ts";
import { Symbols } from "./_symbols.ts";

const SITE = `${ROOT}docs/site/`;
const PAGES = `${SITE}pages/`;
const OUT = `${ROOT}dist/site/`;
const BASE = `/${Deno.env.get("WEFT_DOCS_BASE") ?? ""}/`.replace(/\/+/g, "/");
const REFERENCE = `${OUT}api/`;
// Each has its page in the reference. mod.ts holds nothing else, and the agent is a command.
const MODULES = ENTRY_POINTS.filter((entry) => entry.endsWith("/mod.ts"));
const VITEPRESS = `${SITE}node_modules/vitepress/bin/vitepress.js`;

// Pages that do not lie in docs/, by their names in the site.
const ELSEWHERE: Readonly<Record<string, string>> = {
  "index.md": "README.md",
  "contributing.md": "CONTRIBUTING.md",
  "changelog.md": "CHANGELOG.md",
  "models.md": "tests/model/README.md",
};

const missing: string[] = [];

/** The pages of the site by name, and where each comes from. */
function pages(): Map<string, string> {
  const own = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith(".md")).map((name) => [name, `docs/${name}`]);
  return new Map([...own, ...Object.entries(ELSEWHERE)] as [string, string][]);
}

/**
 * A page's text with its links as the site needs them: to another page by its name there, and to any other file to a
 * copy of it among the site's files. A link to a folder is its words alone.
 */
function withLinks(text: string, source: string, names: ReadonlyMap<string, string>): string {
  return text.replace(/(!?)\[([^\]]*)\]\((?![a-z]+:|#)([^)#\s]+)(#[^)]*)?\)/g, (_, image, words, path, anchor = "") => {
    const target = posix.join(posix.dirname(source), path);
    const page = names.get(target);
    if (page !== undefined) return `${image}[${words}](./${page}${anchor})`;
    if (!existsSync(ROOT + target)) {
      missing.push(`${source} links to ${path}, which is not there`);
      return words;
    }
    if (target.endsWith("/")) return words;
    // VitePress handles images itself; all other files must be there as they are.
    const folder = image ? PAGES : `${PAGES}public/files/`;
    mkdirSync(posix.dirname(folder + target), { recursive: true });
    cpSync(ROOT + target, folder + target);
    return image ? `![${words}](./${target})` : `<a href="./files/${target}" target="_blank">${words}</a>`;
  });
}

/** The README as front page: its title and first paragraph are what VitePress draws large. */
function frontPage(readme: string): string {
  const parts = /^# (\w+): (.+)\n\n(.+)\n\n([^]*)$/.exec(readme);
  if (parts === null) {
    throw new Error("README.md must begin with '# Name: motto', and a paragraph in a line of its own");
  }
  const [, name, motto, lead, body] = parts;
  return `---
layout: home
hero:
  name: ${name}
  text: ${JSON.stringify(motto![0]!.toUpperCase() + motto!.slice(1))}
  tagline: ${JSON.stringify(lead!.replaceAll("`", ""))}
  actions:
    - { theme: brand, text: Which tool when, link: /guide }
    - { theme: alt, text: Coming from Python, link: /from-python }
    - { theme: alt, text: Reference, link: /reference }
---

<div class="vp-doc front">

${body}
</div>
`;
}

/** A page with a line for each public symbol, which leads to the reference. Its members are there for the search. */
function symbolsPage(symbols: Symbols): string {
  const parts = [
    "# Reference",
    "Every public class, function and type, by module. The names lead to the pages that `deno doc` makes.\n",
  ];
  for (const module of MODULES.map((entry) => posix.dirname(entry))) {
    parts.push(`## @weft/concurrent/${module} {#${module}}\n\n| Name | What it is |\n| --- | --- |`);
    for (const symbol of symbols.of(module)) {
      const summary = symbol.summary.replace(/\{@linkcode ([^}|]+)(?:\|[^}]*)?\}/g, "`$1`").replaceAll("|", "\\|");
      const members = [symbol, ...symbols.basesOf(symbol)].flatMap((each) => each.members)
        .map(({ name }) => name).filter((name) => !name.startsWith("["));
      const list = members.length === 0 ? "" : `<br><small>${[...new Set(members)].join(", ")}</small>`;
      parts.push(
        `| <a href="./api/${module}/~/${symbol.name}.html" target="_self"><code>${symbol.name}</code></a> | ${summary}${list} |`,
      );
    }
    parts.push("");
  }
  return parts.join("\n");
}

/** Puts the pages where VitePress builds them. */
function collect(symbols: Symbols): void {
  rmSync(PAGES, { recursive: true, force: true });
  mkdirSync(`${PAGES}public`, { recursive: true });
  cpSync(`${SITE}icon.svg`, `${PAGES}public/icon.svg`);
  const all = pages();
  const names = new Map([...all].map(([name, source]) => [source, name]));
  for (const [name, source] of all) {
    const text = withLinks(readFileSync(ROOT + source, "utf8"), source, names);
    writeFileSync(PAGES + name, name === "index.md" ? frontPage(text) : text);
  }
  writeFileSync(`${PAGES}reference.md`, symbolsPage(symbols));
}

async function succeed(command: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
  const { code, output } = await run([Deno.execPath(), ...command], { cwd, env, limit: 300_000 });
  if (code === 0) return;
  console.error(output);
  Deno.exit(1);
}

/** Builds the whole site again. */
async function build(): Promise<void> {
  await installIn(SITE, "VitePress, which builds the site");
  const symbols = new Symbols(await documentationOf(MODULES));
  collect(symbols);
  rmSync(OUT, { recursive: true, force: true });
  await succeed(["run", "-A", "--no-lock", `--config=${SITE}deno.json`, VITEPRESS, "build"], SITE, {
    WEFT_DOCS_BASE: BASE,
    WEFT_DOCS_OUT: OUT,
  });
  await succeed(["doc", "--html", "--name=Weft", `--output=${REFERENCE}`, ...MODULES], ROOT);
  adaptReference(REFERENCE, symbols, `${SITE}reference.css`);
}

if (import.meta.main) {
  if (Deno.args.includes("--serve")) {
    if (!existsSync(`${OUT}index.html`) || !existsSync(VITEPRESS)) {
      console.error("Cannot serve the site as it is not built: run 'deno task docs' first");
      Deno.exit(1);
    }
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", `--config=${SITE}deno.json`, VITEPRESS, "preview"],
      cwd: SITE,
      env: { WEFT_DOCS_BASE: BASE, WEFT_DOCS_OUT: OUT },
    }).spawn().status;
    Deno.exit(code);
  }
  await build();
  const { links, broken } = brokenLinks(OUT, BASE);
  const all = [...missing, ...broken];
  for (const each of all) console.error(each);
  console.log(`dist/site: ${links} links followed, ${all.length} broken`);
  if (all.length > 0) Deno.exit(1);
}
