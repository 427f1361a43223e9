/**
 * Follows the links of a site of static files.
 *
 * @module
 */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { posix } from "node:path";

/** The number of followed links, and each broken link, in a sentence. */
export interface Links {
  readonly links: number;
  readonly broken: readonly string[];
}

const LINK = /<(?:a|link|img|script)\b[^>]*?\s(?:href|src)="([^"]*)"/g;
const ANCHOR = /\sid="([^"]*)"/g;

/**
 * Looks whether every link of the site's pages has its file, and every anchor its place. Links to other sites are not
 * followed.
 *
 * @param base The path under which the site will be served, with a slash at both ends.
 */
export function brokenLinks(site: string, base = "/"): Links {
  const pages = readdirSync(site, { recursive: true }).map((name) => String(name).replaceAll("\\", "/"))
    .filter((name) => name.endsWith(".html"));
  const texts = new Map(pages.map((page) => [page, readFileSync(posix.join(site, page), "utf8")]));
  const anchors = new Map<string, ReadonlySet<string>>();
  const anchorsOf = (page: string): ReadonlySet<string> => {
    let found = anchors.get(page);
    if (found === undefined) {
      found = new Set([...texts.get(page)!.matchAll(ANCHOR)].map(([, name]) => unescaped(name!)));
      anchors.set(page, found);
    }
    return found;
  };
  const broken = new Set<string>();
  let links = 0;
  for (const [page, text] of texts) {
    for (const [, raw] of text.matchAll(LINK)) {
      const link = unescaped(raw!);
      if (/^(?:[a-z]+:|\/\/)/i.test(link)) continue;
      links++;
      const [beforeAnchor, anchor] = link.split("#", 2) as [string, string?];
      const path = decodeURIComponent(beforeAnchor.replace(/[?].*$/, ""));
      if (path.startsWith("/") && !path.startsWith(base)) {
        broken.add(`${page} links to ${link}, which is not below ${base}`);
        continue;
      }
      let target = path === ""
        ? page
        : path.startsWith("/")
        ? path.slice(base.length)
        : posix.join(posix.dirname(page), path);
      if (target === "" || target === "." || isFolder(posix.join(site, target))) {
        target = posix.join(target, "index.html");
      }
      if (!existsSync(posix.join(site, target))) broken.add(`${page} links to ${link}, which is not there`);
      else if (anchor && texts.has(target) && !anchorsOf(target).has(decodeURIComponent(anchor))) {
        broken.add(`${page} links to ${link}, which has no such place`);
      }
    }
  }
  return { links, broken: [...broken].sort() };
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

const NAMED: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

const unescaped = (text: string): string =>
  text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hexadecimal, decimal, name) => {
    const code = hexadecimal ? parseInt(hexadecimal, 16) : Number(decimal);
    return name ? NAMED[name] ?? all : String.fromCodePoint(code);
  });
