/** Stands between a module and a package, as in many programs. */

export { strip as camelCase } from "./_behind.ts";
