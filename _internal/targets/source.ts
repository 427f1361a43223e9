/**
 * What can be learned about a function from its source without a parser: cuts JavaScript (and TypeScript) into tokens, and
 * answers questions about a function or class from them. Also, which functions every thread has.
 *
 * A parser costs milliseconds to load, and the calling side cannot wait for it. Tokens are enough for some questions. If they are
 * not (does a slash after a brace divide, or begin a regular expression?), there is no answer.
 *
 * @module
 */

/** Any function, to be inspected. */
export type AnyFunction = (...args: never[]) => unknown;

/** A function that was found, to be called with the arguments of a caller. */
export type Callable = (...args: unknown[]) => unknown;

/** Any class. */
export type AnyClass = abstract new (...args: never[]) => unknown;

/** Matches the declaration of a function or class at the beginning of a line. `before`: a pattern for what precedes it there. */
export function declarationOf(name: string, before: string): RegExp {
  return RegExp(`^${before}(?:async\\s+)?(?:function|class)\\s+${name.replaceAll("$", "\\$")}(?![\\w$])`, "m");
}

// Tokens.

/** The kind of a token. Both ends of a template's substitution are punctuators: `${` and `}`. */
type TokenKind = "name" | "private" | "number" | "string" | "template" | "regex" | "punctuator";

/** A token, without the spaces and comments before it. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const SPACE = /(?:\s|\/\/.*|\/\*[^]*?\*\/)+/y;
const NAME =
  /#?(?:[\p{ID_Start}$_]|\\u(?:[0-9a-fA-F]{4}|\{[0-9a-fA-F]+\}))(?:[\p{ID_Continue}$\u200c\u200d]|\\u(?:[0-9a-fA-F]{4}|\{[0-9a-fA-F]+\}))*/uy;
const NUMBER = /(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)n?/y;
const STRING = /"(?:[^"\\\n]|\\[^])*"|'(?:[^'\\\n]|\\[^])*'/y;
const TEMPLATE = /(?:[^`\\$]|\\[^]|\$(?!\{))*(`|\$\{)/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[\p{ID_Continue}$]*/uy;
const PUNCTUATOR =
  /\.\.\.|=>|\?\.(?!\d)|>>>=|\*\*=|<<=|>>=|&&=|\|\|=|\?\?=|[-+*/%&|^=!<>]=|&&|\|\||\?\?|\+\+|--|\*\*|[^]/y;

const CLOSING: Record<string, string> = { "(": ")", "[": "]", "{": "}" };

// A slash after one of these words begins a regular expression.
const OPERATORS = new Set(
  "return typeof instanceof in of new delete void throw case do else yield await extends default".split(" "),
);
// So does a slash after a parenthesis that follows one of these words.
const CONTROL = new Set("if while for with".split(" "));

/** The tokens of a text; `undefined` if they are not certain. */
export function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  return cut(text, tokens) ? tokens : undefined;
}

/** The tokens of a text, as far as they are certain. */
export function tokenizeStart(text: string): Token[] {
  const tokens: Token[] = [];
  cut(text, tokens);
  return tokens;
}

function cut(text: string, tokens: Token[]): boolean {
  // For each open bracket: what closes it, and the token before it.
  const open: { close: string; before: Token | undefined; template: boolean }[] = [];
  let closed: Token | undefined;
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const push = (kind: TokenKind, text: string): void => void tokens.push({ kind, text });
  const template = (): boolean => {
    const piece = match(TEMPLATE);
    if (piece === undefined) return false;
    push("template", piece);
    if (piece.endsWith("${")) {
      open.push({ close: "}", before: undefined, template: true });
      push("punctuator", "${");
    }
    return true;
  };
  while (at < text.length) {
    if (match(SPACE) !== undefined) continue;
    const previous = tokens.at(-1);
    const char = text[at];
    let found: string | undefined;
    if ((found = match(NAME)) !== undefined) {
      push(found.startsWith("#") ? "private" : "name", found);
    } else if (/\d/.test(char) || (char === "." && /\d/.test(text[at + 1] ?? ""))) {
      push("number", match(NUMBER)!);
    } else if (char === '"' || char === "'") {
      if ((found = match(STRING)) === undefined) return false;
      push("string", found);
    } else if (char === "`") {
      at++;
      if (!template()) return false;
    } else if (char === "}" && open.at(-1)?.template === true) {
      at++;
      open.pop();
      push("punctuator", "}");
      if (!template()) return false;
    } else if (char === "/") {
      const kind = slash(previous, closed, tokens);
      if (kind === undefined) return false;
      if (kind === "regex") {
        if ((found = match(REGEX)) === undefined) return false;
        push("regex", found);
      } else {
        push("punctuator", match(PUNCTUATOR)!);
      }
    } else {
      found = match(PUNCTUATOR)!;
      if (found === "(" || found === "[" || found === "{") {
        open.push({ close: CLOSING[found], before: previous, template: false });
      } else if (found === ")" || found === "]" || found === "}") {
        const bracket = open.pop();
        if (bracket?.close !== found) return false;
        closed = bracket.before;
      }
      push("punctuator", found);
    }
  }
  return open.length === 0;
}

function slash(
  previous: Token | undefined,
  beforeBracket: Token | undefined,
  tokens: Token[],
): "regex" | "division" | undefined {
  if (previous === undefined) return "regex";
  switch (previous.kind) {
    case "name":
      // After a dot it is the name of a property.
      return OPERATORS.has(previous.text) && !isMember(tokens, tokens.length - 1) ? "regex" : "division";
    case "punctuator":
      if (previous.text === ")") {
        return beforeBracket?.kind === "name" && CONTROL.has(beforeBracket.text) ? "regex" : "division";
      }
      if (previous.text === "]" || previous.text === "++" || previous.text === "--") return "division";
      return previous.text === "}" ? undefined : "regex";
    default:
      return "division";
  }
}

/** Whether the token at an index is a property's name after a dot. */
export function isMember(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]?.text;
  return before === "." || before === "?.";
}

/** Whether the token at an index is this punctuator. */
export function isPunctuator(token: Token | undefined, text: string): boolean {
  return token?.kind === "punctuator" && token.text === text;
}

/** The index of the bracket that closes the bracket at an index. */
export function closing(tokens: readonly Token[], start: number): number {
  let depth = 0;
  for (let index = start; index < tokens.length; index++) {
    const { kind, text } = tokens[index];
    if (kind !== "punctuator") continue;
    if (text === "(" || text === "[" || text === "{" || text === "${") depth++;
    else if ((text === ")" || text === "]" || text === "}") && --depth === 0) return index;
  }
  return tokens.length;
}

// Functions and classes, by their source.

const generators = [
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async function* () {}),
] as const;

/** The source of a function, whatever its own `toString` returns. */
export function sourceOf(fn: AnyFunction): string {
  return Function.prototype.toString.call(fn);
}

/** Whether the engine made the function, or `bind` did, by its source. */
export function isNative(source: string): boolean {
  return /\{\s*\[native code\]\s*\}\s*$/.test(source);
}

function isClass(source: string): boolean {
  return /^class(?![\w$])/.test(source);
}

/** Describes a function or class in an error message. */
export function showFunction(name: string, source: string): string {
  if (name !== "" && name !== "default") return `${isClass(source) ? "class" : "function"} "${name}"`;
  const line = source.replace(/\s+/g, " ");
  return line.length > 40 ? `${line.slice(0, 40)}…` : line;
}

/** What to do with a function or class that a bundled program has not given to `freezeSupport()`. */
export function giveIt(name: string): string {
  const shorthand = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(name) ? name : "name";
  return `give it to the first call of the main module, await freezeSupport({ ${shorthand} })`;
}

/** Why a function can never run elsewhere, and what to write instead; `undefined` if that is not certain. */
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

// Most functions have none of these words, and need not be cut into tokens.
const WORDS = /\b(?:this|super|target)\b/;
const BEFORE_GROUP = new Set("if for while switch with catch await".split(" "));

/**
 * `this`, `super`, or `new.target`, if the function itself uses it, and not a function or class inside it; `undefined` if it does
 * not, or the tokens are not certain.
 */
export function outerReference(source: string): "this" | "super" | "new.target" | undefined {
  if (!WORDS.test(source)) return undefined;
  const tokens = tokenize(source);
  if (tokens === undefined) return undefined;
  // Begins inside the parameters. From its name on, a method would look like a method inside the function, and be skipped.
  const own = ownParameters(tokens);
  return scan(tokens, own, tokens.length);
}

// The index after the parenthesis that opens the parameters; 0 for an arrow function.
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
      // A parenthesis and then a brace are a method, unless they belong to a statement. A method has a 'this' of its own.
      const close = closing(tokens, index);
      const before = tokens[index - 1];
      const named = before !== undefined &&
        (before.kind === "string" || before.kind === "number" || before.kind === "private" ||
          isPunctuator(before, "]") || (before.kind === "name" && !BEFORE_GROUP.has(before.text)));
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
        // The expression after `extends` is evaluated outside the class.
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

// For example `{ this: 1 }`.
function isKey(tokens: readonly Token[], index: number): boolean {
  if (!isPunctuator(tokens[index + 1], ":")) return false;
  return isPunctuator(tokens[index - 1], "{") || isPunctuator(tokens[index - 1], ",");
}

/** The index of the brace that opens the body of a class, from the index of the class's keyword. */
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

/** The name of a `#private` member that instances of a class have; `undefined` if there is none, or the tokens are not certain. */
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

// The functions of these need a 'this', which must be the class: `Promise.resolve` creates an instance of it.
const NEED_THIS = new Set(["Promise"]);
// Constructors that can be called without `new`.
const CALLABLE = new Set(
  "Array BigInt Boolean Date Error AggregateError EvalError Function Number Object RangeError ReferenceError RegExp String SuppressedError Symbol SyntaxError TypeError URIError"
    .split(" "),
);

/** The path from the global object to a function, which is the same in every thread: `Math.sqrt`. */
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

/** The value at such a path, in this thread. */
export function atGlobalPath(path: string): unknown {
  let value: unknown = globalThis;
  for (const name of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

/** Whether the runtime's function at that path works only with `new`. */
export function needsNew(fn: AnyFunction, path: string): boolean {
  const { prototype } = fn as { prototype?: { constructor?: unknown } };
  return typeof prototype === "object" && prototype?.constructor === fn && !CALLABLE.has(path);
}

// Deno creates some of its functions when they are first read.
function ofGlobal(name: string): unknown {
  try {
    return Object.hasOwn(globalThis, name) ? atGlobalPath(name) : undefined;
  } catch {
    return undefined;
  }
}

// Runs no getter: on Deno, getters load parts of the runtime.
function valueOf(object: object, name: string): unknown {
  return Object.getOwnPropertyDescriptor(object, name)?.value;
}
