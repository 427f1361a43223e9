/** Test files, and folders of them, that `run_tests.ts --runtime=node` leaves out, each with the reason. */
export const LEFT_OUT_ON_NODE: Readonly<Record<string, string>> = {
  "tests/as_served/": "Node imports no module from a server; installed_test.ts runs on Deno and starts Node",
  "tests/benches/": "the tools of the benches run on Deno and Bun",
  "tests/browser/": "the server of the pages runs on Deno, and the library in Chromium",
  "tests/docs/": "the programs of the pages are run on Deno and Bun; tests/as_served/ runs README.md on Node",
  "tests/house/": "what is written in the repository is the same on all runtimes",
  "tests/permissions/": "the permissions are those of Deno",
  "tests/sanitizers/": "only Deno's test runner has sanitizers",
};
