/**
 * The public symbols and members as `deno doc` lists them, and what their documentation lacks.
 *
 * @module
 */

import { fileURLToPath } from "node:url";

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
    readonly extends?: string;
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
const TIME = /(?:timeout|interval|delay|after|grace|lease|idle|remaining|duration|elapsed|age)$/i;
const UNIT = /\b(?:milliseconds?|ms|seconds?|µs|microseconds?)\b/i;
// Options that bound a wait: the wait can fail.
const BOUNDS_A_WAIT = /^(?:Wait|WaitSync)Options$/;
// JavaScript itself calls these, and defines what they do.
const WELL_KNOWN = /^(?:\[Symbol\.\w+\]|toString|toJSON)$/;

/** Finds what is missing in the documentation of everything that the entry points export. */
export function examine(documentation: Documentation): Findings {
  const gaps: string[] = [];
  const seen = new Set<string>();
  let symbols = 0;
  let members = 0;
  let examples = 0;

  const placeOf = ({ filename, line }: Location) => `${filename}:${line}`;
  /** Whether this declaration was not checked yet: most are exported from several modules. */
  const isNew = (location: Location, name: string): boolean => {
    const before = seen.size;
    return seen.add(`${placeOf(location)} ${name}`).size > before;
  };
  const tagsOf = (jsDoc: JsDoc | undefined, kind: string) => (jsDoc?.tags ?? []).filter((tag) => tag.kind === kind);
  const hasExample = (jsDoc: JsDoc | undefined) => tagsOf(jsDoc, "example").length > 0;

  const check = (
    name: string,
    location: Location,
    jsDoc: JsDoc | undefined,
    called?: { params: readonly Param[]; returns?: Type; isConstructor?: boolean; isOfError?: boolean },
    type?: Type,
  ): void => {
    const lacks = (what: string) => gaps.push(`${placeOf(location)} ${name} ${what}`);
    examples += tagsOf(jsDoc, "example").length;
    const text = jsDoc?.doc?.trim() ?? "";
    if (text === "") lacks("has no summary");
    const key = name.slice(name.lastIndexOf(".") + 1);
    if (type?.repr === "number" && TIME.test(key) && !UNIT.test(text)) lacks("does not say its unit of time");
    if (called === undefined) return;
    const names = called.params.map((param) => (param.left ?? param.arg ?? param).name);
    const documented = tagsOf(jsDoc, "param");
    for (const param of names) {
      const tag = documented.find((each) => each.name === param);
      if (param !== undefined && (tag?.doc ?? "").trim() === "") lacks(`has no @param for '${param}'`);
    }
    for (const { name: param } of documented) {
      if (!names.includes(param)) lacks(`has a @param '${param}', which is no parameter`);
    }
    if (!called.isConstructor && returnsSomething(called.returns) && tagsOf(jsDoc, "return").length === 0) {
      lacks("has no @returns");
    }
    const waits = called.params.some((param) => BOUNDS_A_WAIT.test((param.left ?? param).tsType?.repr ?? ""));
    const checks = called.isConstructor && !called.isOfError && names.length > 0;
    if ((waits || checks) && tagsOf(jsDoc, "throws").length === 0) lacks("has no @throws");
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

/**
 * The symbols that modules export, each with the first paragraph of its documentation: classes first, then functions, errors
 * and types, by name.
 */
export function symbolsOf(documentation: Documentation): { readonly name: string; readonly summary: string }[] {
  const rank = ({ name, kind }: { name: string; kind: string }): number =>
    kind === "class" ? (/Error$/.test(name) ? 2 : 0) : kind === "function" ? 1 : 3;
  return Object.values(documentation.nodes).flatMap(({ symbols }) => symbols).map(({ name, declarations }) => {
    const text = declarations.find(({ jsDoc }) => jsDoc?.doc)?.jsDoc?.doc ?? "";
    return { name, kind: declarations[0]!.kind, summary: text.trim().split(/\n\n/)[0]!.replace(/\s+/g, " ") };
  }).sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** `acquire` for `acquireSync` and `tryAcquire`. */
function spelling(method: string): string {
  const plain = method.replace(/Sync$/, "");
  return /^try[A-Z]/.test(plain) ? plain[3]!.toLowerCase() + plain.slice(4) : plain;
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
