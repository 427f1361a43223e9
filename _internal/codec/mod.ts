/**
 * Values on their way between threads and processes.
 *
 * @module
 */

export { decode, decodeFirst, type DecodeOptions } from "./decode.ts";
export {
  encode,
  encodeApart,
  type EncodeOptions,
  encodeScratch,
  scratch,
  scratchNames,
  scratchWords,
  trimScratch,
} from "./encode.ts";
export { joinStacks } from "./errors.ts";
export { sendable } from "./thrown.ts";
