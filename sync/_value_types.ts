/**
 * The types of shared numbers: their names, their ranges, and how values are stored in shared words.
 *
 * @module
 */

import { show } from "../_internal/options.ts";

/** The type of a {@linkcode Value} or of the elements of a {@linkcode SharedArray}. */
export type ValueType = "bool" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "f32" | "f64";

/** The JavaScript type of a {@linkcode ValueType}: `bigint` for `i64` and `u64`, `boolean` for `bool`, else `number`. */
export type TypeOf<K extends ValueType> = K extends "bool" ? boolean : K extends "i64" | "u64" ? bigint : number;

/** What can be added to a value of a type. Nothing can be added to a `bool`. */
export type Addend<K extends ValueType> = K extends "bool" ? never : TypeOf<K>;

/** What the bits of a value of a type can be combined with. The bits of `f32` and `f64` cannot be combined. */
export type Bits<K extends ValueType> = K extends "f32" | "f64" ? never : TypeOf<K>;

/** The typed array over elements of a type. For `bool`, its bytes are 0 or 1. */
export type ArrayOf<K extends ValueType> = K extends "bool" | "u8" ? Uint8Array
  : K extends "i8" ? Int8Array
  : K extends "i16" ? Int16Array
  : K extends "u16" ? Uint16Array
  : K extends "i32" ? Int32Array
  : K extends "u32" ? Uint32Array
  : K extends "i64" ? BigInt64Array
  : K extends "u64" ? BigUint64Array
  : K extends "f32" ? Float32Array
  : Float64Array;

// The numbers of the types, as stored in the header of an object.
export const BOOL = 0;
export const I8 = 1;
export const U8 = 2;
export const I16 = 3;
export const U16 = 4;
export const I32 = 5;
export const U32 = 6;
export const I64 = 7;
export const U64 = 8;
export const F32 = 9;
export const F64 = 10;

/** The types' names, by number. */
export const NAMES: readonly ValueType[] = ["bool", "i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64", "f32", "f64"];

const MIN = [0, -128, 0, -32768, 0, -2147483648, 0];
const MAX = [1, 127, 255, 32767, 65535, 2147483647, 4294967295];

/** The number of a type. */
export function codeOf(type: unknown, action: string): number {
  const code = NAMES.indexOf(type as ValueType);
  if (code >= 0) return code;
  throw new TypeError(
    `Cannot ${action} as 'type' must be one of ${NAMES.map((name) => `"${name}"`).join(", ")}: received ${show(type)}`,
  );
}

/** Throws unless a value is of the type and in its range. `what` names the value in the error message: `'value'`. */
export function validateElement(code: number, value: unknown, what: string, action: string): void {
  switch (code) {
    case BOOL:
      if (typeof value !== "boolean") wrongKind(code, value, what, action, "a boolean");
      return;
    case I64:
      if (typeof value !== "bigint") wrongKind(code, value, what, action, "a bigint, like 1n");
      if (BigInt.asIntN(64, value) !== value) outOfRange(code, value, what, action, "a whole number of 64 bits");
      return;
    case U64:
      if (typeof value !== "bigint") wrongKind(code, value, what, action, "a bigint, like 1n");
      if (BigInt.asUintN(64, value) !== value) {
        outOfRange(code, value, what, action, "a whole number of 64 bits that is not negative");
      }
      return;
    case F64:
      if (typeof value !== "number") wrongKind(code, value, what, action, "a number");
      return;
    case F32:
      if (typeof value !== "number") wrongKind(code, value, what, action, "a number");
      if (Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
        outOfRange(code, value, what, action, "a number of at most 3.4028234663852886e+38 either way");
      }
      return;
    default:
      if (typeof value !== "number") wrongKind(code, value, what, action, "a number");
      if (!Number.isInteger(value) || value < MIN[code] || value > MAX[code]) {
        outOfRange(code, value, what, action, `a whole number from ${MIN[code]} to ${MAX[code]}`);
      }
  }
}

function wrongKind(code: number, value: unknown, what: string, action: string, rule: string): never {
  throw new TypeError(
    `Cannot ${action} of type "${NAMES[code]}" as ${what} must be ${rule}: received ${show(value)}`,
  );
}

function outOfRange(code: number, value: unknown, what: string, action: string, rule: string): never {
  throw new RangeError(
    `Cannot ${action} of type "${NAMES[code]}" as ${what} must be ${rule}: received ${show(value)}`,
  );
}

// How values are stored in shared words: values of at most 32 bits as a number in the first word, wider values in both words. A
// float is stored as its bits.

// Views that convert between a number and its bits.
const single = new Float32Array(1);
const singleBits = new Int32Array(single.buffer);
const double = new Float64Array(1);
const doubleBits = new BigInt64Array(double.buffer);
const doubleWords = new Int32Array(double.buffer);

/** Whether values of a type are 64 bits wide and take two words. */
export function isWide(code: number): boolean {
  return code === I64 || code === U64 || code === F64;
}

/** Wraps a sum into the range of a type that is narrower than a word. */
export function wrap(code: number, value: number): number {
  switch (code) {
    case I8:
      return value << 24 >> 24;
    case U8:
      return value & 0xff;
    case I16:
      return value << 16 >> 16;
    default:
      return value & 0xffff;
  }
}

// NaN has many bit patterns, and engines are free in which of them they write. Always the same pattern is stored, because a
// compare-exchange with NaN must match.
const NAN32 = 0x7fc00000;
const NAN64 = 0x7ff8000000000000n;

/** The word of a value of at most 32 bits. */
export function toWord(code: number, value: unknown): number {
  if (code === F32) {
    single[0] = value as number;
    return Number.isNaN(value) ? NAN32 : singleBits[0];
  }
  // Booleans become 0 or 1, -0 becomes 0, and a u32 above the signed range becomes the i32 with the same bits.
  return Number(value) | 0;
}

/** The value that a word stores. */
export function fromWord(code: number, word: number): number | boolean {
  switch (code) {
    case BOOL:
      return word !== 0;
    case U32:
      return word >>> 0;
    case F32:
      singleBits[0] = word;
      return single[0];
    default:
      return word;
  }
}

/** The pair of words of a value of 64 bits. */
export function toWide(code: number, value: unknown): bigint {
  if (code !== F64) return BigInt.asIntN(64, value as bigint);
  double[0] = value as number;
  return Number.isNaN(value) ? NAN64 : doubleBits[0];
}

/** The value that a pair of words stores. */
export function fromWide(code: number, pair: bigint): number | bigint {
  if (code === I64) return pair;
  if (code === U64) return BigInt.asUintN(64, pair);
  doubleBits[0] = pair;
  return double[0];
}

/** The two words of an initial value; `undefined` is zero. */
export function initialWords(code: number, initial: unknown): [number, number] {
  if (initial === undefined) return [0, 0];
  if (!isWide(code)) return [toWord(code, initial), 0];
  doubleBits[0] = toWide(code, initial);
  return [doubleWords[0], doubleWords[1]];
}
