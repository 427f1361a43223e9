/**
 * The site of the pages in docs/ and of the reference. `deno task docs` collects the pages into pages/ and runs this.
 *
 * @module
 */

import process from "node:process";
import { slug } from "github-slugger";
import { defineConfig } from "vitepress";

const START = [
  { text: "Guide", link: "/guide" },
  { text: "From Python", link: "/from-python" },
  { text: "Functions", link: "/functions" },
  { text: "Recipes", link: "/recipes" },
  { text: "Distributed", link: "/distributed" },
  { text: "In a browser", link: "/browser" },
];

const TRUST = [
  { text: "Benchmarks", link: "/benchmarks" },
  { text: "Reliability", link: "/reliability" },
  { text: "Platforms", link: "/platforms" },
  { text: "Runtime notes", link: "/runtime-notes" },
];

const INSIDE = [
  { text: "Architecture", link: "/architecture" },
  { text: "Models", link: "/models" },
  { text: "Contributing", link: "/contributing" },
  { text: "Changelog", link: "/changelog" },
];

const BASE = process.env.WEFT_DOCS_BASE ?? "/";

export default defineConfig({
  title: "Weft",
  description: "Threads and processes that share memory, for Deno and Bun",
  base: BASE,
  srcDir: "pages",
  outDir: process.env.WEFT_DOCS_OUT,
  // The same anchors as on GitHub: the pages are read there too.
  markdown: { anchor: { slugify: slug } },
  // The reference is laid beside the pages after they are built. `deno task docs` checks the links of both.
  ignoreDeadLinks: [/\/api\//],
  head: [["link", { rel: "icon", href: `${BASE}icon.svg`, type: "image/svg+xml" }]],
  themeConfig: {
    logo: "/icon.svg",
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Guide", link: "/guide" },
      { text: "From Python", link: "/from-python" },
      { text: "Reference", link: "/reference" },
    ],
    sidebar: [
      { text: "Use", items: START },
      { text: "Reference", items: [{ text: "All classes and functions", link: "/reference" }] },
      { text: "Evidence", items: TRUST },
      { text: "Inside", items: INSIDE },
    ],
  },
  // The bundle of the search index is larger than Vite thinks good for an application.
  vite: { build: { chunkSizeWarningLimit: 5_000 } },
});
