/**
 * A crawler that looks for broken links, with threads that wait for the network at the same time.
 *
 *     deno run -A examples/threading/crawl_local_site.ts
 *     bun examples/threading/crawl_local_site.ts
 *
 * The site is its own: 60 pages on a free port of this machine, each of which takes 25 ms. The threads only fetch and
 * read; which page is new is decided in one place, by the main thread.
 */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Queue, Thread } from "@weft/concurrent/threading";

const PAGES = 60;
const DELAY = 25;
const THREADS = 8;

interface Page {
  path: string;
  status: number;
  links: string[];
}

/** What each thread does: fetches the pages whose paths it takes off the queue, and reports what they link to. */
export async function crawl(origin: string, paths: Queue<string>, pages: Queue<Page>) {
  for await (const path of paths) {
    const response = await fetch(origin + path);
    const text = await response.text();
    const links = [...text.matchAll(/href="([^"]+)"/g)].map(([, link]) => link!);
    await pages.put({ path, status: response.status, links });
  }
}

/** Page `n` links to `2n`, `2n + 1` and back to the first; page 7 also links to a page that does not exist. */
function startSite() {
  const server = createServer((request, response) => {
    const n = Number(/^\/page\/(\d+)$/.exec(request.url ?? "")?.[1]);
    const links = [2 * n, 2 * n + 1, 1].filter((other) => other <= PAGES).map((other) => `/page/${other}`);
    if (n === 7) links.push("/gone");
    setTimeout(() => {
      response.writeHead(n <= PAGES ? 200 : 404, { "content-type": "text/html" });
      response.end(n <= PAGES ? links.map((link) => `<a href="${link}">${link}</a>`).join("\n") : "not found");
    }, DELAY);
  });
  return new Promise<{ origin: string; stop(): void }>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      const stop = () => {
        server.close();
        server.closeAllConnections();
      };
      resolve({ origin: `http://127.0.0.1:${port}`, stop });
    });
  });
}

if (import.meta.main) {
  const site = await startSite();
  const paths = new Queue<string>();
  const pages = new Queue<Page>();
  const threads = Array.from(
    { length: THREADS },
    () => new Thread({ target: crawl, args: [site.origin, paths, pages] }).start(),
  );

  const start = performance.now();
  const linkedFrom = new Map([["/page/1", ""]]);
  const broken: string[] = [];
  let found = 0;
  await paths.put("/page/1");
  for (let expected = 1; expected > 0; expected--) {
    const page = await pages.get({ timeout: 10_000 });
    if (page.status === 200) found++;
    else broken.push(page.path);
    for (const link of page.links) {
      if (linkedFrom.has(link)) continue;
      linkedFrom.set(link, page.path);
      expected++;
      await paths.put(link);
    }
  }
  const ms = performance.now() - start;

  paths.shutdown();
  for (const thread of threads) await thread.join();
  site.stop();

  console.log(`${found} pages in ${ms.toFixed()} ms, one after another ${linkedFrom.size * DELAY} ms or more`);
  for (const path of broken) console.log(`broken: ${path}, linked from ${linkedFrom.get(path)}`);
}
