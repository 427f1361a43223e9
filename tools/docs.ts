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
 * `WEFT_DOCS_BASE` is the path under which the site will be served, with a slash at both ends. Default: `/`.
 *
 * @module
 */

import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { posix } from "node:path";
import { ENTRY_POINTS, installIn, ROOT } from "./_install.ts";
import { brokenLinks } from "./_links.ts";
import { documentationOf, symbolsOf } from "./_public_docs.ts";
import { run } from "./_run.ts";

const SITE = `${ROOT}docs/site/`;
const PAGES = `${SITE}pages/`;
const OUT = `${ROOT}dist/site/`;
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
    if (target.endsWith("/")) return words;
    if (!existsSync(ROOT + target)) {
      missing.push(`${source} links to ${path}, which is not there`);
      return words;
    }
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

/** A page with a line for each public symbol, which leads to the reference. */
async function symbolsPage(): Promise<string> {
  const parts = [
    "# Reference",
    "Every public class, function and type, by module. The names lead to the pages that `deno doc` makes.\n",
  ];
  for (const entry of MODULES) {
    const module = posix.dirname(entry);
    parts.push(`## @weft/concurrent/${module} {#${module}}\n\n| Name | What it is |\n| --- | --- |`);
    for (const { name, summary } of symbolsOf(await documentationOf([entry]))) {
      const cell = summary.replace(/\{@linkcode ([^}|]+)(?:\|[^}]*)?\}/g, "`$1`").replaceAll("|", "\\|");
      parts.push(
        `| <a href="./api/${module}/~/${name}.html" target="_self"><code>${name}</code></a> | ${cell} |`,
      );
    }
    parts.push("");
  }
  return parts.join("\n");
}

/** Puts the pages where VitePress builds them. */
async function collect(): Promise<void> {
  rmSync(PAGES, { recursive: true, force: true });
  mkdirSync(`${PAGES}public`, { recursive: true });
  cpSync(`${SITE}icon.svg`, `${PAGES}public/icon.svg`);
  const all = pages();
  const names = new Map([...all].map(([name, source]) => [source, name]));
  for (const [name, source] of all) {
    const text = withLinks(readFileSync(ROOT + source, "utf8"), source, names);
    writeFileSync(PAGES + name, name === "index.md" ? frontPage(text) : text);
  }
  writeFileSync(`${PAGES}reference.md`, await symbolsPage());
}

async function succeed(command: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<void> {
  const { code, output } = await run([Deno.execPath(), ...command], { cwd, env, limit: 300_000 });
  if (code === 0) return;
  console.error(output);
  Deno.exit(1);
}

/** What `deno doc` has no option for: the names under which the modules are imported, and where the reference belongs. */
function adaptReference(): void {
  appendFileSync(`${REFERENCE}page.css`, readFileSync(`${SITE}reference.css`));
  for (
    const entry of readdirSync(REFERENCE, { recursive: true }).map(String).filter((name) => name.endsWith(".html"))
  ) {
    const up = "../".repeat(entry.split(/[\\/]/).length);
    const text = readFileSync(REFERENCE + entry, "utf8")
      .replace("</head>", `<link rel="icon" href="${up}icon.svg"></head>`)
      .replace(/from &quot;(sync|threading|multiprocessing|distributed)&quot;/g, "from &quot;@weft/concurrent/$1&quot;")
      .replace(
        /(<ul class="breadcrumbs">\s*)<li>([^]*?)>Weft<\/a>/,
        `$1<li><a href="${up}index.html" class="contextLink">Weft</a></li><li>&nbsp;›&nbsp;</li><li>$2>Reference</a>`,
      );
    writeFileSync(REFERENCE + entry, text);
  }
}

/** Builds the whole site again. */
async function build(): Promise<void> {
  await installIn(SITE, "VitePress, which builds the site");
  await collect();
  rmSync(OUT, { recursive: true, force: true });
  await succeed(["run", "-A", "--no-lock", `--config=${SITE}deno.json`, VITEPRESS, "build"], SITE, {
    WEFT_DOCS_OUT: OUT,
  });
  await succeed(["doc", "--html", "--name=Weft", `--output=${REFERENCE}`, ...MODULES], ROOT);
  adaptReference();
}

if (import.meta.main) {
  if (Deno.args.includes("--serve")) {
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-lock", `--config=${SITE}deno.json`, VITEPRESS, "preview"],
      cwd: SITE,
      env: { WEFT_DOCS_OUT: OUT },
    }).spawn().status;
    Deno.exit(code);
  }
  await build();
  const { links, broken } = brokenLinks(OUT, Deno.env.get("WEFT_DOCS_BASE"));
  const all = [...missing, ...broken];
  for (const each of all) console.error(each);
  console.log(`dist/site: ${links} links followed, ${all.length} broken`);
  if (all.length > 0) Deno.exit(1);
}
