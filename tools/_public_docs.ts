/**
 * The public symbols and members as `deno doc` lists them, and what their documentation lacks.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { Symbols } from "./_symbols.ts";

interface Tag {
  readonly kind: string;
  readonly name?: string;
  readonly doc?: string;
}

interface JsDoc {
  readonly doc?: string;
  readonly tags?: readonly Tag[];
}

interface Type {
  readonly repr: string;
  readonly kind: string;
  readonly value?: unknown;
}

interface Param {
  readonly kind: string;
  readonly name?: string;
  readonly left?: Param;
  readonly arg?: Param;
  readonly tsType?: Type;
}

interface Callable {
  readonly params: readonly Param[];
  readonly returnType?: Type;
  readonly hasBody?: boolean;
}

interface Location {
  readonly filename: string;
  /** From 0. */
  readonly line: number;
}

interface Member {
  readonly name: string;
  readonly kind?: string;
  readonly location: Location;
  readonly jsDoc?: JsDoc;
  readonly isStatic?: boolean;
  readonly tsType?: Type;
}

interface Declaration {
  readonly kind: string;
  readonly location: Location;
  readonly jsDoc?: JsDoc;
  readonly def?: Partial<Callable> & {
    readonly constructors?: readonly (Member & Callable)[];
    readonly methods?: readonly (Member & Partial<Callable> & { readonly functionDef?: Callable })[];
    readonly properties?: readonly Member[];
    /** A class extends one class, an interface any number of types. */
    readonly extends?: string | readonly Type[];
    readonly tsType?: Type & { readonly value?: { readonly properties?: readonly Member[] } };
  };
}

/** What `deno doc --json` prints: the symbols of each module. */
export interface Documentation {
  readonly nodes: Record<
    string,
    {
      readonly module_doc?: JsDoc;
      readonly symbols: readonly { readonly name: string; readonly declarations: readonly Declaration[] }[];
    }
  >;
}

/** The counts, and what is missing, each in a sentence with its place. */
export interface Findings {
  readonly symbols: number;
  readonly members: number;
  readonly examples: number;
  readonly gaps: readonly string[];
}

// Names that say that the value is a time: the documentation must name the unit.
const TIME = /^ms$|(?:timeout|interval|delay|after|grace|lease|idle|remaining|duration|elapsed|age)$/i;
const UNIT = /\b(?:milliseconds?|ms|seconds?|µs|microseconds?)\b/i;
// What a program runs: a block of another language, or one that is marked to be ignored, shows nothing that is known to hold.
const PROGRAM = /^```ts\n[^]+?^```$/m;
const LINK = /\{@link(?:code|plain)?\s+([^}\s|]+)/g;
// A body that throws, or calls a check that throws. That of a disposed object is said once, for all members.
const THROWS = /\bthrow\b|\bvalidate\w*\(|#(?:validate\w*|check\w*|open)\(/;
// Options that bound a wait: the wait can fail.
const BOUNDS_A_WAIT = /^(?:Wait|WaitSync)Options$/;
// JavaScript itself calls these, and defines what they do.
const WELL_KNOWN = /^(?:\[Symbol\.\w+\]|toString|toJSON)$/;

/** Finds what is missing in the documentation of everything that the entry points export. */
export function examine(documentation: Documentation): Findings {
  const gaps: string[] = [];
  const known = new Symbols(documentation);
  const seen = new Set<string>();
  let symbols = 0;
  let members = 0;
  let examples = 0;

  const placeOf = ({ filename, line }: Location) => `${filename}:${line + 1}`;
  /** Whether this declaration was not checked yet: most are exported from several modules. */
  const isNew = (location: Location, name: string): boolean => {
    const before = seen.size;
    return seen.add(`${placeOf(location)} ${name}`).size > before;
  };
  const tagsOf = (jsDoc: JsDoc | undefined, kind: string) => (jsDoc?.tags ?? []).filter((tag) => tag.kind === kind);
  const hasExample = (jsDoc: JsDoc | undefined) => tagsOf(jsDoc, "example").some(({ doc = "" }) => PROGRAM.test(doc));

  const check = (
    name: string,
    location: Location,
    jsDoc: JsDoc | undefined,
    called?: { params: readonly Param[]; returns?: Type; isConstructor?: boolean; isOfError?: boolean },
    type?: Type,
  ): void => {
    const lacks = (what: string) => gaps.push(`${placeOf(location)} ${name} ${what}`);
    const module = posix.basename(posix.dirname(location.filename));
    const texts = [jsDoc?.doc ?? "", ...(jsDoc?.tags ?? []).map((tag) => tag.doc ?? "")];
    for (const [, link] of texts.flatMap((text) => [...text.matchAll(LINK)])) {
      if (!/^https?:/.test(link!) && known.resolve(link!, module) === undefined) {
        lacks(`links to '${link}', which is no public symbol`);
      }
    }
    if (texts.some((text) => /@ignore\b/.test(text))) {
      lacks("has an @ignore that is no tag, since it is not in a line of its own");
    }
    for (const kind of ["throws", "return"]) {
      for (const { doc = "" } of tagsOf(jsDoc, kind)) if (doc.trim() === "") lacks(`has an empty @${kind}`);
    }
    for (const { doc = "" } of tagsOf(jsDoc, "example")) {
      if (!PROGRAM.test(doc)) lacks("has an @example without a program");
    }
    examples += tagsOf(jsDoc, "example").length;
    const text = jsDoc?.doc?.trim() ?? "";
    if (text === "") lacks("has no summary");
    const key = name.slice(name.lastIndexOf(".") + 1);
    if (isNumber(type) && TIME.test(key) && !UNIT.test(text)) lacks("does not say its unit of time");
    if (called === undefined) return;
    const params = called.params.map((param) => param.left ?? param.arg ?? param);
    const names = params.map(({ name }) => name);
    const documented = tagsOf(jsDoc, "param");
    for (const { name: param, tsType: type } of params) {
      const tag = documented.find((each) => each.name === param);
      const words = (tag?.doc ?? "").trim();
      if (param !== undefined && words === "") lacks(`has no @param for '${param}'`);
      else if (isNumber(type) && TIME.test(param ?? "") && !UNIT.test(words)) {
        lacks(`does not say the unit of time of '${param}'`);
      }
    }
    for (const { name: param } of documented) {
      if (!names.includes(param)) lacks(`has a @param '${param}', which is no parameter`);
    }
    if (!called.isConstructor && returnsSomething(called.returns) && tagsOf(jsDoc, "return").length === 0) {
      lacks("has no @returns");
    }
    const waits = called.params.some((param) => BOUNDS_A_WAIT.test((param.left ?? param).tsType?.repr ?? ""));
    const checks = called.isConstructor && !called.isOfError && names.length > 0;
    const throws = !called.isOfError && throwsByItself(location);
    if ((waits || checks || throws) && tagsOf(jsDoc, "throws").length === 0) lacks("has no @throws");
  };

  for (const [module, { module_doc, symbols: declared }] of Object.entries(documentation.nodes)) {
    if ((module_doc?.doc ?? "").trim() === "") gaps.push(`${module}:1 the module has no summary`);
    for (const { name, declarations } of declared) {
      for (const { kind, location, jsDoc, def = {} } of declarations) {
        if (kind === "namespace" || !isNew(location, name)) continue;
        // The implementation behind several signatures cannot be called itself.
        if (kind === "function" && declarations.length > 1 && def.hasBody) continue;
        symbols++;
        const isOfError = /Error$/.test(name);
        const called = kind === "function" ? { params: def.params ?? [], returns: def.returnType } : undefined;
        check(name, location, jsDoc, called, def.tsType);
        // The example of the first signature serves all signatures of a function.
        if (kind === "class" || kind === "function") {
          if (!declarations.some((each) => /\bPython\b/.test(each.jsDoc?.doc ?? ""))) {
            gaps.push(
              `${placeOf(location)} ${name} does not say what it is in Python, or that Python has no equivalent`,
            );
          }
          if (!declarations.some((each) => hasExample(each.jsDoc))) {
            gaps.push(`${placeOf(location)} ${name} has no @example`);
          }
        }
        for (const { location, jsDoc, params } of def.constructors ?? []) {
          members++;
          check(`${name}.constructor`, location, jsDoc, { params, isConstructor: true, isOfError });
        }
        for (const property of [...def.properties ?? [], ...def.tsType?.value?.properties ?? []]) {
          members++;
          check(`${name}.${property.name}`, property.location ?? location, property.jsDoc, undefined, property.tsType);
        }
        const methods = def.methods ?? [];
        for (const method of methods) {
          // The getter has the documentation of both.
          if (method.kind === "setter" && methods.some((each) => each.kind === "getter" && each.name === method.name)) {
            continue;
          }
          members++;
          const { params = [], returnType } = method.functionDef ?? method;
          const isAccessor = method.kind === "getter" || method.kind === "setter";
          const called = isAccessor || WELL_KNOWN.test(method.name) ? undefined : { params, returns: returnType };
          check(
            `${name}.${method.name}`,
            method.location,
            method.jsDoc,
            called,
            isAccessor ? returnType : undefined,
          );
          if (kind !== "class" || called === undefined) continue;
          const family = spelling(method.name);
          if (!methods.some((each) => spelling(each.name) === family && hasExample(each.jsDoc))) {
            gaps.push(`${placeOf(method.location)} ${name}.${method.name} has no @example in any of its spellings`);
          }
        }
      }
    }
  }
  return { symbols, members, examples, gaps: gaps.sort() };
}

/** Whether the body of a function or member throws. It ends with its line, or with the brace that closes it. */
function throwsByItself({ filename, line }: Location): boolean {
  const text = readFileSync(fileURLToPath(filename), "utf8").split("\n");
  const first = text[line]!;
  const indent = /^ */.exec(first)![0];
  const isWhole = /[;}]$/.test(first);
  const end = isWhole ? line : text.findIndex((each, index) => index > line && each === `${indent}}`);
  return text.slice(line, end + 1).some((each) => !/^\s*(?:\*|\/\/|\/\*)/.test(each) && THROWS.test(each));
}

/** `acquire` for `acquireSync` and `tryAcquire`. */
function spelling(method: string): string {
  const plain = method.replace(/Sync$/, "");
  return /^try[A-Z]/.test(plain) ? plain[3]!.toLowerCase() + plain.slice(4) : plain;
}

/** Whether it is a number, or may be one. */
function isNumber(type: Type | undefined): boolean {
  return type?.repr === "number" || (type?.kind === "union" && JSON.stringify(type.value).includes(`"repr":"number"`));
}

function returnsSomething(type: Type | undefined): boolean {
  if (type === undefined || /^(?:void|never|undefined)$/.test(type.repr)) return false;
  if (type.repr !== "Promise") return true;
  const of = (type.value as { typeParams?: readonly Type[] } | undefined)?.typeParams?.[0];
  return of !== undefined && returnsSomething(of);
}

/** What `deno doc` knows of modules. */
export async function documentationOf(entryPoints: readonly string[]): Promise<Documentation> {
  const nodes: Documentation["nodes"] = {};
  for (const entry of entryPoints) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["doc", "--json", entry],
      cwd: fileURLToPath(new URL("../", import.meta.url)),
      stderr: "piped",
    }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    Object.assign(nodes, (JSON.parse(new TextDecoder().decode(stdout)) as Documentation).nodes);
  }
  return { nodes };
}
