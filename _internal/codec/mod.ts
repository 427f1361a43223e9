/**
 * Values on their way between threads and processes.
 *
 * @module
 */

export { decode, type DecodeOptions } from "./decode.ts";
export { encode, type EncodeOptions } from "./encode.ts";
export { joinStacks } from "./errors.ts";
