/**
 * The packed library in pages of Chromium. Skipped if no Chromium is found: see _chromium.ts.
 *
 * Each test of a page that is cross-origin isolated is a function of pages/suite.ts.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { after, before, describe, it } from "node:test";
import type { Browser, Page } from "playwright-core";
import type { PageServer, PageServerOptions } from "../../tools/_page_server.ts";
import { isDeno } from "../_runtime.ts";
import { CHROMIUM, openPage, startChromium } from "./_chromium.ts";

const PAGES = "tests/browser/pages";
const LIMIT = { timeout: 60_000 };
/** The functions of pages/suite.ts. */
const SUITE = [
  "threads_return_values_and_errors",
  "functions_are_found",
  "what_cannot_be_found_says_so",
  "locks_between_the_page_and_threads",
  "semaphores_and_locks_of_readers",
  "events_barriers_latches_and_conditions",
  "queues_both_ways",
  "pools",
  "pools_are_terminated",
  "threads_are_terminated",
  "threads_of_threads",
  "blocking_forms_work_in_threads",
  "blocking_forms_are_refused_in_the_page",
  "workers_of_the_program",
  "many_threads",
  "processes_are_refused",
];

if (isDeno && CHROMIUM === undefined) console.log("Skipped: no Chromium at $CHROMIUM or /usr/bin/chromium");

async function serve(folder: string, options?: PageServerOptions): Promise<PageServer> {
  const { servePages } = await import("../../tools/_page_server.ts");
  return servePages(folder, options);
}

// The tests need Deno for their server, and what they test is neither Deno nor Bun.
describe("a page", { skip: !isDeno || CHROMIUM === undefined }, () => {
  let browser: Browser;

  before(async () => {
    const { pack } = await import("../../tools/pack.ts");
    await pack();
    browser = await startChromium();
  }, LIMIT);

  after(async () => {
    await browser.close();
  });

  describe("that is cross-origin isolated", () => {
    let server: PageServer;
    let page: Page;
    let printed: string[];

    before(async () => {
      server = await serve(PAGES);
      ({ page, printed } = await openPage(browser, server.url));
    });

    after(async () => {
      await page.close();
      await server.close();
    });

    it("has a test for each function of the suite", LIMIT, async () => {
      assertEquals(await page.evaluate(`import("/suite.ts").then(Object.keys)`), [...SUITE].sort());
    });

    for (const name of SUITE) {
      it(name.replaceAll("_", " "), LIMIT, async () => {
        const outcome = await page.evaluate(
          `import("/suite.ts").then((suite) => suite.${name}()).then(() => "well", (error) => error.stack)`,
        );
        assertEquals(outcome, "well");
        // A thread that fails with an error which nothing asks for prints it, as on all runtimes.
        assertEquals(printed.splice(0).filter((line) => !/in a timer|404/.test(line)), []);
      });
    }
  });

  it(
    "of the demo draws with one thread and with all, and shows what a counter loses without a lock",
    LIMIT,
    async () => {
      const server = await serve("examples/browser");
      try {
        const { page, printed } = await openPage(browser, server.url);
        await page.waitForSelector("body:not([data-state=running], [data-state=idle])", { timeout: 50_000 });
        const text = (selector: string): Promise<string> => page.innerText(selector);
        assertEquals([await page.getAttribute("body", "data-state"), printed], ["done", []]);
        assertMatch(await text("#speedup"), /^\d+\.\d times as fast$/);
        const number = async (selector: string): Promise<number> => Number((await text(selector)).replace(/\D/g, ""));
        // Each bar has rows, and together they are all rows.
        const rows = await page.evaluate(
          `["#one", "#all"].map((id) => [...document.querySelectorAll(id + " .worker output")].map((each) => parseInt(each.textContent)))`,
        ) as number[][];
        assertEquals(rows.map((each) => each.reduce((sum, count) => sum + count)), [600, 600]);
        assert(rows[1].length > 1, `${rows[1].length} threads`);
        assertEquals([await number("#locked .value"), await text("#locked .verdict")], [1_000_000, "nothing lost"]);
        assert(await number("#bare .value") < 1_000_000);
        // In the middle, on the left, and in the corner: the set is dark, and the rest is not.
        const blue = await page.evaluate(`["#one", "#all"].map((id) => {
        const context = document.querySelector(id + " canvas").getContext("2d");
        return [[600, 300], [20, 300], [20, 20]].map(([x, y]) => context.getImageData(x, y, 1, 1).data[2] > 100);
      })`);
        assertEquals(blue, [[false, true, true], [false, true, true]]);
        await page.close();
      } finally {
        await server.close();
      }
    },
  );

  it("with a Content-Security-Policy runs what modules export", LIMIT, async () => {
    const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'";
    const server = await serve(PAGES, { headers: { "Content-Security-Policy": policy } });
    try {
      const { page } = await openPage(browser, server.url);
      assertEquals(await page.evaluate(`import("/guarded.ts").then(({ exported }) => exported())`), 9);
      assertMatch(
        await page.evaluate(`import("/guarded.ts").then(({ made }) => made())`) as string,
        /^TargetError: .*Content-Security-Policy.*: export it$/,
      );
      await page.close();
    } finally {
      await server.close();
    }
  });

  it("runs a bundle without the library, as the guide says, and refuses threads in one with it", LIMIT, async () => {
    const esbuild = await import("esbuild");
    const folder = await Deno.makeTempDir({ dir: "dist", prefix: "bundled-" });
    const shared = { bundle: true, format: "esm", target: "es2024", absWorkingDir: Deno.cwd() } as const;
    const entryPoints = ["tests/browser/bundled/app.ts"];
    await esbuild.build({
      ...shared,
      entryPoints,
      outfile: `${folder}/app.js`,
      alias: { "@weft/concurrent/threading": "/weft/threading/mod.js" },
      external: ["/weft/*"],
    });
    await esbuild.build({
      ...shared,
      entryPoints,
      outfile: `${folder}/whole.js`,
      alias: { "@weft/concurrent/threading": "./dist/npm/threading/mod.js" },
      external: ["node:*", "bun:*"],
    });
    await Deno.writeTextFile(`${folder}/index.html`, "<!DOCTYPE html><title>Bundled</title>");
    const server = await serve(folder);
    try {
      const { page } = await openPage(browser, server.url);
      assertEquals(await page.evaluate(`import("/app.js").then(({ squares }) => squares())`), [1, 4, 9]);
      const refused = await page.evaluate(`import("/whole.js").then(({ squares }) => squares()).catch(String)`);
      assertMatch(String(refused), /^NotSupportedError: .*leave it out of the bundle/);
      await page.close();
    } finally {
      await server.close();
      await Deno.remove(folder, { recursive: true });
    }
  });

  it("that is not cross-origin isolated gets an error that names both headers, at the first use", LIMIT, async () => {
    const server = await serve(PAGES, { isolated: false });
    try {
      const { page } = await openPage(browser, server.url);
      const errors = await page.evaluate(`import("/alone.ts").then(({ errors }) => errors())`) as Record<
        string,
        string
      >;
      assertEquals(Object.keys(errors).length, 9);
      for (const [name, error] of Object.entries(errors)) {
        assert(error.startsWith("true "), `${name}: ${error}`);
        if (name === "Process") continue;
        assertMatch(error, /Cross-Origin-Opener-Policy: same-origin/, name);
        assertMatch(error, /Cross-Origin-Embedder-Policy: require-corp/, name);
      }
      await page.close();
    } finally {
      await server.close();
    }
  });
});
