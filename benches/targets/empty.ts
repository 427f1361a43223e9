/** The smallest program. */

export {};
