/**
 * Makes Node find the packages that deno.json maps to another name. Bun finds them by tsconfig.json. A thread or process of
 * Node gets the flag that loads this file, so it holds for these as well.
 */

import { registerHooks } from "node:module";

const MAPPED = /^@std\/(assert|async\/\w+)$/;

registerHooks({
  resolve(specifier, context, next) {
    const [, name] = MAPPED.exec(specifier) ?? [];
    if (name === undefined) return next(specifier, context);
    const file = name === "assert" ? "assert/mod.js" : `${name}.js`;
    return { url: new URL(`../node_modules/deno-std/${file}`, import.meta.url).href, shortCircuit: true };
  },
});
