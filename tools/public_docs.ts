/**
 * `deno task ok public-docs`: counts the public symbols and members, and fails where their documentation lacks something.
 *
 * - Each has a summary.
 * - A function, constructor and method has a `@param` for each parameter and for nothing else, a `@returns` where it returns
 *   something, and a `@throws` where its body throws or calls a check, where it takes options of a wait or is a constructor with
 *   parameters, errors aside.
 * - A class and a function has an `@example`. So has each method in one of its spellings: an example of `acquireSync` serves
 *   `acquire` and `tryAcquire` too. The step `doc-test` runs them.
 * - A number that is a time names its unit.
 *
 * `deno doc --lint` asks only that there is a comment, whatever the comment says.
 *
 *     deno run -A --no-check tools/public_docs.ts [modules]
 *
 * @module
 */

import { ENTRY_POINTS, ROOT } from "./_install.ts";
import { documentationOf, examine } from "./_public_docs.ts";

const modules = Deno.args.length > 0 ? Deno.args : ENTRY_POINTS;
const { symbols, members, examples, gaps } = examine(await documentationOf(modules));
for (const gap of gaps) console.error(gap.replace(new URL(`file://${ROOT}`).href, ""));
console.log(`${symbols} public symbols, ${members} members, ${examples} examples, ${gaps.length} gaps`);
if (gaps.length > 0) Deno.exit(1);
