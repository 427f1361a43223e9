/**
 * What is told of a function by looking at it, in the thread that hands it over.
 *
 * @module
 */

import { closing, isMember, isPunctuator, type Token, tokenize } from "./tokens.ts";

/** Any function at all. */
export type AnyFunction = (...args: never[]) => unknown;

const generators = [
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async function* () {}),
] as const;

/** A function's source, whatever its own `toString` says. */
export function sourceOf(fn: AnyFunction): string {
  return Function.prototype.toString.call(fn);
}

/** Whether the engine made the function, or `bind` did. */
export function isNative(source: string): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(source);
}

/** Whether a source is that of a class. */
export function isClass(source: string): boolean {
  return /^class(?![\w$])/.test(source);
}

/** Why a function can never be called from elsewhere, and what to write instead; `undefined` if that is not plain. */
export function flawOf(fn: AnyFunction, source: string): string | undefined {
  if (isClass(source)) {
    return "it is a class: write a function that makes the instance, like (...args) => new X(...args)";
  }
  const prototype = Object.getPrototypeOf(fn);
  if (prototype === generators[0] || prototype === generators[1]) {
    return "it is a generator, whose steps cannot be taken from another thread or process: write a function that returns an array, or puts what it makes into a Queue";
  }
  const used = outerReference(source);
  if (used === undefined) return undefined;
  return `it uses '${used}', which is not sent: write a function that takes what it needs as an argument`;
}

// Most functions have none of these words, and need no tokens.
const WORDS = /\b(?:this|super|target)\b/;
const CONTROL = new Set("if for while switch with catch await".split(" "));

/** `this`, `super` or `new.target` of the function itself (not of a function or class inside), as far as tokens tell. */
export function outerReference(source: string): "this" | "super" | "new.target" | undefined {
  if (!WORDS.test(source)) return undefined;
  const tokens = tokenize(source);
  if (tokens === undefined) return undefined;
  // The function's own parameters and body are looked into; those of a method look like a method's inside.
  const own = ownParameters(tokens);
  return scan(tokens, own, tokens.length);
}

// The index behind the parenthesis that opens the parameters, or 0 for an arrow function.
function ownParameters(tokens: readonly Token[]): number {
  if (isArrow(tokens)) return 0;
  let index = 0;
  while (index < tokens.length && !isPunctuator(tokens[index], "(")) {
    index = isPunctuator(tokens[index], "[") ? closing(tokens, index) + 1 : index + 1;
  }
  return index + 1;
}

function isArrow(tokens: readonly Token[]): boolean {
  let index = tokens[0]?.text === "async" && !isPunctuator(tokens[1], "=>") ? 1 : 0;
  if (isPunctuator(tokens[index], "(")) index = closing(tokens, index);
  return isPunctuator(tokens[index + 1], "=>");
}

function scan(tokens: readonly Token[], start: number, end: number): "this" | "super" | "new.target" | undefined {
  for (let index = start; index < end; index++) {
    const token = tokens[index];
    if (isPunctuator(token, "(")) {
      // A parenthesis and then a brace: a method, unless it is a statement's. It has a 'this' of its own.
      const close = closing(tokens, index);
      const before = tokens[index - 1];
      const named = before !== undefined &&
        (before.kind === "string" || before.kind === "number" || before.kind === "private" ||
          isPunctuator(before, "]") || (before.kind === "name" && !CONTROL.has(before.text)));
      if (named && isPunctuator(tokens[close + 1], "{")) index = closing(tokens, close + 1);
      continue;
    }
    if (token.kind !== "name" || isMember(tokens, index) || isKey(tokens, index)) continue;
    const next = tokens[index + 1];
    switch (token.text) {
      case "function": {
        while (index < end && !isPunctuator(tokens[index], "(")) index++;
        index = closing(tokens, index);
        index = closing(tokens, index + 1);
        break;
      }
      case "class": {
        const body = classBody(tokens, index);
        // What is extended is outside.
        const found = scan(tokens, index + 1, body);
        if (found !== undefined) return found;
        index = closing(tokens, body);
        break;
      }
      case "this":
        if (!isPunctuator(next, "(") || !isMethod(tokens, index + 1)) return "this";
        break;
      case "super":
        if (!isPunctuator(next, "(") || !isMethod(tokens, index + 1)) return "super";
        break;
      case "new":
        if (isPunctuator(next, ".") && tokens[index + 2]?.text === "target") return "new.target";
        break;
    }
  }
  return undefined;
}

function isMethod(tokens: readonly Token[], parenthesis: number): boolean {
  return isPunctuator(tokens[closing(tokens, parenthesis) + 1], "{");
}

// `{ this: 1 }`
function isKey(tokens: readonly Token[], index: number): boolean {
  if (!isPunctuator(tokens[index + 1], ":")) return false;
  return isPunctuator(tokens[index - 1], "{") || isPunctuator(tokens[index - 1], ",");
}

/** The index of the brace that opens the body of the class whose keyword is at an index. */
function classBody(tokens: readonly Token[], keyword: number): number {
  let index = keyword + 1;
  while (index < tokens.length && !isPunctuator(tokens[index], "{")) {
    if (tokens[index].text === "class" && tokens[index].kind === "name" && !isMember(tokens, index)) {
      index = closing(tokens, classBody(tokens, index)) + 1;
    } else if (isPunctuator(tokens[index], "(") || isPunctuator(tokens[index], "[")) {
      index = closing(tokens, index) + 1;
    } else {
      index++;
    }
  }
  return index;
}

/** The name of a `#private` member that instances of a class have; `undefined` if there is none, or none is seen. */
export function privateMember(source: string): string | undefined {
  if (!source.includes("#")) return undefined;
  const tokens = tokenize(source);
  if (tokens === undefined) return undefined;
  const body = classBody(tokens, 0);
  const end = closing(tokens, body);
  for (let index = body + 1; index < end; index++) {
    const token = tokens[index];
    if (isPunctuator(token, "{") || isPunctuator(token, "(") || isPunctuator(token, "[")) {
      index = closing(tokens, index);
    } else if (token.kind === "private" && !isMember(tokens, index) && tokens[index + 1]?.text !== "in") {
      let before = index - 1;
      while (/^(?:async|get|set|accessor|\*)$/.test(tokens[before].text)) before--;
      if (tokens[before].text !== "static") return token.text;
    }
  }
  return undefined;
}

// Functions that every thread has: `Math.sqrt`, `parseInt`, `console.log`.

// Their functions are methods of the class itself: `Promise.resolve` makes a promise of the class that is `this`.
const NEED_THIS = new Set(["Promise"]);
// Constructors that are functions too.
const CALLABLE = new Set(
  "Array BigInt Boolean Date Error AggregateError EvalError Function Number Object RangeError ReferenceError RegExp String SuppressedError Symbol SyntaxError TypeError URIError"
    .split(" "),
);

/** The path from the global object by which a function is found in every thread: `Math.sqrt`. */
export function globalPath(fn: AnyFunction): string | undefined {
  const { name } = fn;
  if (name === "") return undefined;
  if (ofGlobal(name) === fn) return name;
  for (const owner of Object.getOwnPropertyNames(globalThis)) {
    if (NEED_THIS.has(owner)) continue;
    const value = valueOf(globalThis, owner);
    if (value === globalThis || value === null || (typeof value !== "object" && typeof value !== "function")) continue;
    if (valueOf(value as object, name) === fn) return `${owner}.${name}`;
  }
  return undefined;
}

/** What is at that path in this thread. */
export function atGlobalPath(path: string): unknown {
  let value: unknown = globalThis;
  for (const name of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

/** Whether the runtime's function of that path only works with `new`. */
export function needsNew(fn: AnyFunction, path: string): boolean {
  const { prototype } = fn as { prototype?: { constructor?: unknown } };
  return typeof prototype === "object" && prototype?.constructor === fn && !CALLABLE.has(path);
}

// Deno makes some of its functions when they are first read.
function ofGlobal(name: string): unknown {
  try {
    return Object.hasOwn(globalThis, name) ? atGlobalPath(name) : undefined;
  } catch {
    return undefined;
  }
}

// No getter is run: on Deno they load parts of the runtime.
function valueOf(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}
