/**
 * The public symbols by module and name, with their members, inherited ones too: what a `{@linkcode}` may name.
 *
 * @module
 */

import { posix } from "node:path";
import type { Documentation } from "./_public_docs.ts";

/** A member of a class or an interface. */
export interface MemberEntry {
  readonly name: string;
  readonly summary: string;
}

/** A public symbol. */
export interface SymbolEntry {
  /** The folder of its module: `sync`. */
  readonly module: string;
  readonly name: string;
  readonly kind: string;
  readonly summary: string;
  /** What its class or interface extends, as written: `sync.Lock`. */
  readonly bases: readonly string[];
  readonly members: readonly MemberEntry[];
}

/** Finds symbols and members by the names that a docstring uses. */
export class Symbols {
  readonly #modules: Map<string, Map<string, SymbolEntry>> = new Map();

  constructor(documentation: Documentation) {
    for (const [url, { symbols }] of Object.entries(documentation.nodes)) {
      const module = posix.basename(posix.dirname(url));
      // A folder may have several entry points.
      const entries = this.#modules.get(module) ?? new Map<string, SymbolEntry>();
      for (const { name, declarations } of symbols) {
        // Of a value and a type of the same name, both have members.
        const defs = declarations.map(({ def }) => def ?? {});
        const members = defs.flatMap(({ methods = [], properties = [], tsType }) => [
          ...properties,
          ...methods,
          ...tsType?.value?.properties ?? [],
        ]);
        entries.set(name, {
          module,
          name,
          kind: declarations[0]!.kind,
          summary: firstParagraph(declarations.find(({ jsDoc }) => jsDoc?.doc)?.jsDoc?.doc),
          bases: defs.flatMap(({ extends: base = [] }) =>
            typeof base === "string" ? [base] : base.map(({ repr }) => repr)
          ),
          members: [
            ...new Map(members.map((member) => [member.name, {
              name: member.name,
              summary: firstParagraph(member.jsDoc?.doc),
            }])).values(),
          ],
        });
      }
      this.#modules.set(module, entries);
    }
  }

  /** The symbols of a module: classes first, then functions, errors and types, by name. */
  of(module: string): SymbolEntry[] {
    const rank = ({ name, kind }: SymbolEntry): number =>
      kind === "class" ? (/Error$/.test(name) ? 2 : 0) : kind === "function" ? 1 : 3;
    return [...this.#modules.get(module)?.values() ?? []].sort((a, b) =>
      rank(a) - rank(b) || (a.name < b.name ? -1 : 1)
    );
  }

  /** A symbol by its name, with its module before it or without: `sync.Lock`, `Lock`. Without, the module `near` goes first. */
  find(name: string, near: string): SymbolEntry | undefined {
    const [module, own] = name.includes(".") ? name.split(".", 2) as [string, string] : [near, name];
    const found = this.#modules.get(module)?.get(own);
    if (found !== undefined || name.includes(".")) return found;
    return [...this.#modules.values()].find((entries) => entries.has(name))?.get(name);
  }

  /** The classes and interfaces that a symbol extends and that are public themselves, the nearest first. */
  basesOf(symbol: SymbolEntry): SymbolEntry[] {
    return symbol.bases.flatMap((name) => {
      const base = this.find(name, symbol.module);
      return base === undefined || base === symbol ? [] : [base, ...this.basesOf(base)];
    });
  }

  /**
   * What a docstring means by `Lock`, `Lock.acquire`, `sync.Lock` or `sync.Lock.acquire`: a symbol, and the symbol that
   * declares the member. `undefined`: there is none.
   */
  resolve(name: string, near: string): { symbol: SymbolEntry; member?: string } | undefined {
    const parts = name.split(".");
    const inModule = this.#modules.has(parts[0]!) && parts.length > 1;
    const symbol = this.find(inModule ? parts.slice(0, 2).join(".") : parts[0]!, near);
    const [member, ...rest] = parts.slice(inModule ? 2 : 1);
    if (symbol === undefined || rest.length > 0) return undefined;
    if (member === undefined) return { symbol };
    const owner = [symbol, ...this.basesOf(symbol)].find(({ members }) => members.some(({ name }) => name === member));
    return owner && { symbol: owner, member };
  }
}

function firstParagraph(text = ""): string {
  return text.trim().split(/\n\n/)[0]!.replace(/\s+/g, " ");
}
