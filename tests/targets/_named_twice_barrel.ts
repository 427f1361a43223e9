/** Exports it from elsewhere. */
export * from "./_named_twice.ts";
