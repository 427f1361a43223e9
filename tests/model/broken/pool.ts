import type { BrokenVariant } from "../model.ts";

export const variants: readonly BrokenVariant[] = [];
