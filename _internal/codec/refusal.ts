/**
 * Objects of the library that belong to one thread, and say so when somebody sends them.
 *
 * @module
 */

/** Under this an object has the reason why it cannot be sent, for the message of the error. */
export const REFUSAL: unique symbol = Symbol.for("@weft/concurrent.refusal") as never;
