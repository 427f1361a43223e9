/**
 * JavaScript (and TypeScript) cut into tokens, for what has to be told of a function without a parser at hand.
 *
 * A parser costs milliseconds to load, and the calling side cannot wait for one. Tokens are enough for some questions,
 * and where they are not (whether a slash after a brace divides or begins a regular expression) nothing is said at all.
 *
 * @module
 */

/** What a token is. Both ends of a template's substitution are punctuators: `${` and `}`. */
export type TokenKind = "name" | "private" | "number" | "string" | "template" | "regex" | "punctuator";

/** A token, without the space and the comments before it. */
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

// After these a slash begins a regular expression.
const OPERATORS = new Set(
  "return typeof instanceof in of new delete void throw case do else yield await extends default".split(" "),
);
// So does one after the parenthesis that follows these.
const CONTROL = new Set("if while for with".split(" "));

/** The tokens of a text; `undefined` if they cannot be told for sure. */
export function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  return cut(text, tokens) ? tokens : undefined;
}

/** The tokens of a text as far as they can be told for sure. */
export function tokenizeStart(text: string): Token[] {
  const tokens: Token[] = [];
  cut(text, tokens);
  return tokens;
}

function cut(text: string, tokens: Token[]): boolean {
  // For each open bracket how it is closed, and what stood before it.
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
      // After a dot it is a property.
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

/** The index of the bracket that closes the one at an index. */
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
