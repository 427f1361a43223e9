/** What others export. */

export { default as fromElsewhere, double as twice } from "./_functions.ts";
export * from "./_functions.ts";
