/**
 * What `deno doc --html` has no option for: the names under which the modules are imported, the way back to the site, and
 * links to members, inherited ones too.
 *
 * @module
 */

import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { SymbolEntry, Symbols } from "./_symbols.ts";

/** The page of a symbol or of a member that it declares, as a path from the reference's folder; `undefined`: it has none. */
export function pageOf(reference: string, symbol: SymbolEntry, member?: string): string | undefined {
  const page = `${symbol.module}/~/${symbol.name}`;
  // A member of a class, an option or static member, and what has no page of its own: a constructor, a symbol.
  const candidates = member === undefined ? [page] : [`${page}.prototype.${member}`, `${page}.${member}`, page];
  return candidates.map((each) => `${each}.html`).find((each) => existsSync(reference + each));
}

/** Adapts all pages. `reference` is their folder, with a slash at its end, and `style` a style sheet that is added. */
export function adaptReference(reference: string, symbols: Symbols, style: string): void {
  appendFileSync(`${reference}page.css`, readFileSync(style));
  for (const page of readdirSync(reference, { recursive: true }).map(String).filter((name) => name.endsWith(".html"))) {
    const [module = "", , name = ""] = page.replaceAll("\\", "/").replace(/\.html$/, "").split("/");
    const up = "../".repeat(page.split(/[\\/]/).length - 1);
    const text = readFileSync(reference + page, "utf8")
      // The way back, in place of the way to a page that lists nothing.
      .replace("</head>", `<link rel="icon" href="${up}../icon.svg"></head>`)
      .replace(
        /(<ul class="breadcrumbs">\s*<li>\s*)<a href="[^"]*"( class="contextLink")>Weft<\/a>/,
        `$1<a href="${up}../index.html"$2>Weft</a></li><li>&nbsp;›&nbsp;</li><li><a href="${up}../reference.html"$2>Reference</a>`,
      )
      .replace(/from &quot;(sync|threading|multiprocessing|distributed)&quot;/g, "from &quot;@weft/concurrent/$1&quot;")
      // It leads to a file of the machine on which the site was built.
      .replace(/<a\s+class="sourceButton"[^]*?<\/a>/g, "");
    const symbol = name.includes(".") ? undefined : symbols.find(`${module}.${name}`, module);
    const linked = withMemberLinks(text, reference, symbols, module, up);
    writeFileSync(reference + page, symbol === undefined ? linked : withBases(linked, reference, symbols, symbol, up));
  }
}

// `{@linkcode Lock.acquire}` and `{@linkcode sync.Lock}`, which deno doc leaves as code. What is said of Python stays as it is.
function withMemberLinks(text: string, reference: string, symbols: Symbols, module: string, up: string): string {
  return text.replace(
    /(<p>Python:[^]*?<\/p>)|(<a [^]*?<\/a>)|<code>((?:[a-z]+\.)?[A-Z]\w*(?:\.\w+)?)<\/code>/g,
    (all, _python, _link, name?: string) => {
      if (name === undefined || !name.includes(".")) return all;
      const found = symbols.resolve(name, module);
      const page = found && pageOf(reference, found.symbol, found.member);
      return page === undefined ? all : `<a href="${up}${page}"><code>${name}</code></a>`;
    },
  );
}

// The bases of a class as links, and their members at the end of the page.
function withBases(text: string, reference: string, symbols: Symbols, symbol: SymbolEntry, up: string): string {
  const seen = new Set(symbol.members.map(({ name }) => name));
  const lists = symbols.basesOf(symbol).flatMap((base) => {
    const inherited = base.members.filter(({ name }) => !name.startsWith("[") && !seen.has(name));
    for (const { name } of inherited) seen.add(name);
    if (inherited.length === 0) return [];
    const items = inherited.map(({ name, summary }) =>
      `<li><a href="${up}${pageOf(reference, base, name)}"><code>${name}</code></a> ${toHtml(summary)}</li>`
    );
    const title = `${base.module}.${base.name}`;
    return `<section class="section"><div><h2 class="mb-1">Inherited from <a href="${up}${
      pageOf(reference, base)
    }"><code>${title}</code></a></h2><div class="markdown"><ul>${items.join("")}</ul></div></div></section>`;
  });
  const named = text.replace(
    /(<span class="type">\s*extends\s*<\/span>)<span>([\w.]+)<\/span>/,
    (all, before, name) => {
      const base = symbols.find(name, symbol.module);
      return base === undefined ? all : `${before}<a class="link" href="${up}${pageOf(reference, base)}">${name}</a>`;
    },
  );
  const end = named.lastIndexOf("</article>");
  return end < 0 ? named : named.slice(0, end) + lists.join("") + named.slice(end);
}

/** The one paragraph of a summary. */
function toHtml(markdown: string): string {
  return markdown.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replace(/\{@link(?:code)? ([^}|]+)(?:\|[^}]*)?\}/g, "`$1`")
    .replace(/`([^`]*)`/g, "<code>$1</code>");
}
