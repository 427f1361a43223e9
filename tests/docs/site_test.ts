/** The site that `deno task docs` builds. Deno builds it, for both runtimes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { brokenLinks } from "../../tools/_links.ts";
import { run } from "../../tools/_run.ts";
import { isDeno } from "../_runtime.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const textOf = (page: string) => readFileSync(`${ROOT}dist/site/${page}`, "utf8");

describe("the site", { skip: !isDeno }, () => {
  it("is built, and no link or anchor of it leads nowhere", { timeout: 300_000 }, async () => {
    const { code, output } = await run([Deno.execPath(), "run", "-A", "--no-check", "tools/docs.ts"], {
      cwd: ROOT,
      limit: 290_000,
    });
    const [, links, broken] = /(\d+) links followed, (\d+) broken$/m.exec(output) ?? [];
    assertEquals({ code, broken }, { code: 0, broken: "0" }, output);
    assert(Number(links) > 10_000, `${links} links`);
  });

  it("leads from the front page to the guide, and from the list of symbols to each class", { timeout: 60_000 }, () => {
    assertStringIncludes(textOf("index.html"), 'href="/guide.html"');
    assertStringIncludes(textOf("reference.html"), "./api/threading/~/Thread.html");
    const thread = textOf("api/threading/~/Thread.html");
    assertStringIncludes(thread, "from &quot;@weft/concurrent/threading&quot;");
    assertStringIncludes(thread, 'href="../../../index.html"');
  });

  it("has every page in its sidebar", { timeout: 60_000 }, () => {
    const config = readFileSync(`${ROOT}docs/site/.vitepress/config.ts`, "utf8");
    const pages = readdirSync(`${ROOT}docs`).filter((name) => name.endsWith(".md"));
    assertEquals(pages.filter((name) => !config.includes(`link: "/${name.replace(".md", "")}"`)), []);
  });

  it("notices a link out of the path under which the site is served", { timeout: 60_000 }, () => {
    const site = mkdtempSync(`${tmpdir()}/site-`);
    try {
      writeFileSync(`${site}/index.html`, '<h1 id="top">A</h1> <a href="/weft/#top">1</a> <a href="/index.html">2</a>');
      assertEquals(brokenLinks(site, "/weft/"), {
        links: 2,
        broken: ["index.html links to /index.html, which is not below /weft/"],
      });
    } finally {
      rmSync(site, { recursive: true });
    }
  });

  it("notices a link to a page that is not there, and to a place that its page lacks", { timeout: 60_000 }, () => {
    const site = mkdtempSync(`${tmpdir()}/site-`);
    try {
      mkdirSync(`${site}/a`);
      writeFileSync(`${site}/index.html`, '<a href="a/">1</a> <a href="a/#here">2</a> <a href="a&#x2F;#there">3</a>');
      writeFileSync(
        `${site}/a/index.html`,
        '<h1 id="here">A</h1> <img src="../b.png"> <a href="https://example.com">4</a>',
      );
      assertEquals(brokenLinks(site), {
        links: 4,
        broken: [
          "a/index.html links to ../b.png, which is not there",
          "index.html links to a/#there, which has no such place",
        ],
      });
    } finally {
      rmSync(site, { recursive: true });
    }
  });
});
