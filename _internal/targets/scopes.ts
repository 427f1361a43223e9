/**
 * Which names a piece of JavaScript uses, and to which scope each of them belongs.
 *
 * No library is used (`eslint-scope`, `periscopic`). None of them tells, for each use of a name, whether it is called, is a
 * shorthand property, or is the operand of `typeof`; or to which function a `this`, `super`, `arguments`, `yield`, or private
 * name belongs. With a library the same walk, which is most of this file, would still be needed, and each thread would have to
 * load the library.
 *
 * @module
 */

import type * as acorn from "acorn";

/** Any node of a syntax tree. */
export interface Node {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

/** A scope and the names that it declares. */
interface Scope {
  readonly kind: "module" | "function" | "block";
  readonly parent: Scope | undefined;
  readonly names: Set<string>;
}

/** One use of a name. */
export interface Reference {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly scope: Scope;
  readonly written: boolean;
  /** `{ name }`. */
  readonly shorthand: boolean;
  /** It is called: `name()`. */
  readonly called: boolean;
  /** `typeof name`, which does not throw if the name does not exist. */
  readonly asked: boolean;
}

/** A function in the piece. */
export interface FoundFunction {
  readonly node: Node;
  /** Its parameters and body. */
  readonly scope: Scope;
  /** Its own name, or that of the variable or property that it is assigned to. */
  readonly name: string | undefined;
}

/** A use of `import.meta`, `import()`, `this`, `super`, `new.target`, `arguments`, `yield`, or a private name from outside. */
interface Special {
  readonly what: string;
  readonly node: Node;
  /** The scope in which it is used. */
  readonly scope: Scope;
  /** The function that it belongs to, if that is in the piece. */
  readonly owner: Node | undefined;
}

/** Everything that is known of a piece. */
export interface Analysis {
  readonly root: Scope;
  readonly references: Reference[];
  readonly functions: FoundFunction[];
  readonly classes: FoundFunction[];
  readonly specials: Special[];
}

/** The nearest scope, from `from` outwards, that declares a name; `undefined` if no scope of the piece does. */
export function scopeOf(name: string, from: Scope): Scope | undefined {
  for (let scope: Scope | undefined = from; scope !== undefined; scope = scope.parent) {
    if (scope.names.has(name)) return scope;
  }
  return undefined;
}

/** Whether a scope is `outer` or inside it. */
export function isWithin(scope: Scope, outer: Scope): boolean {
  for (let each: Scope | undefined = scope; each !== undefined; each = each.parent) if (each === outer) return true;
  return false;
}

/** The uses, inside a function, of names that are declared outside it. */
export function freeReferences(analysis: Analysis, scope: Scope): Reference[] {
  return analysis.references.filter((reference) => {
    if (!isWithin(reference.scope, scope)) return false;
    const home = scopeOf(reference.name, reference.scope);
    return home === undefined || !isWithin(home, scope);
  });
}

/** Analyzes a parsed program. */
export function analyze(program: acorn.Program): Analysis {
  return new Analyzer(program as unknown as Node).analysis;
}

const FUNCTION = /^(?:FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/;

class Analyzer {
  readonly analysis: Analysis;
  #scope: Scope;
  /** The function to which a `this` belongs at this point. */
  #owner: Node | undefined;
  /** The private names of the enclosing classes. */
  #privates: Set<string>[] = [];

  constructor(program: Node) {
    this.#scope = { kind: "module", parent: undefined, names: new Set(declaredInBody(program)) };
    this.analysis = { root: this.#scope, references: [], functions: [], classes: [], specials: [] };
    this.#all(program.body);
  }

  /** Visits the nodes of a new scope that declares these names. */
  #in(kind: Scope["kind"], names: Iterable<string>, action: () => unknown): Scope {
    const outer = this.#scope;
    const scope = this.#scope = { kind, parent: outer, names: new Set(names) };
    action();
    this.#scope = outer;
    return scope;
  }

  #all(nodes: unknown): void {
    for (const node of nodes as (Node | null)[]) if (node !== null) this.#node(node);
  }

  #node(node: Node | null | undefined, name?: string): void {
    if (node === null || node === undefined) return;
    if (FUNCTION.test(node.type)) return this.#function(node, name);
    switch (node.type) {
      case "Identifier":
        return this.#reference(node, {});
      case "ThisExpression":
        return this.#special("this", node, true);
      case "Super":
        return this.#special("super", node, true);
      case "MetaProperty":
        return (node.meta as Node).name === "import"
          ? this.#special("import.meta", node, false)
          : this.#special("new.target", node, true);
      case "ImportExpression":
        this.#special("import()", node, false);
        break;
      case "YieldExpression":
        this.#special("yield", node, true);
        break;
      case "PrivateIdentifier":
        if (!this.#privates.some((names) => names.has(node.name as string))) {
          this.#special(`#${node.name}`, node, false);
        }
        return;
      case "MemberExpression":
        this.#node(node.object as Node);
        if (node.computed === true || (node.property as Node).type === "PrivateIdentifier") {
          this.#node(node.property as Node);
        }
        return;
      case "CallExpression":
        this.#used(node.callee as Node, { called: true });
        return this.#all(node.arguments);
      case "TaggedTemplateExpression":
        this.#used(node.tag as Node, { called: true });
        return this.#node(node.quasi as Node);
      case "UnaryExpression":
        return this.#used(node.argument as Node, { asked: node.operator === "typeof" });
      case "UpdateExpression":
        return this.#target(node.argument as Node);
      case "AssignmentExpression":
        this.#target(node.left as Node);
        return this.#node(node.right as Node, nameOf(node.left as Node));
      case "VariableDeclaration":
        for (const { id, init } of node.declarations as Node[]) {
          this.#binding(id as Node);
          this.#node(init as Node | null, nameOf(id as Node));
        }
        return;
      case "ObjectExpression":
        for (const property of node.properties as Node[]) {
          if (property.type !== "Property") {
            this.#node(property);
          } else if (property.shorthand === true) {
            this.#reference(property.value as Node, { shorthand: true });
          } else {
            if (property.computed === true) this.#node(property.key as Node);
            this.#node(property.value as Node, property.computed === true ? undefined : keyOf(property.key as Node));
          }
        }
        return;
      case "ClassDeclaration":
      case "ClassExpression":
        return this.#class(node, name);
      case "BlockStatement":
        return void this.#in("block", declaredIn(node.body as Node[]), () => this.#all(node.body));
      case "StaticBlock":
        return this.#own(node, () => this.#in("function", declaredInBody(node), () => this.#all(node.body)));
      case "SwitchStatement": {
        this.#node(node.discriminant as Node);
        const cases = node.cases as Node[];
        this.#in("block", declaredIn(cases.flatMap((each) => each.consequent as Node[])), () => {
          for (const each of cases) {
            this.#node(each.test as Node | null);
            this.#all(each.consequent);
          }
        });
        return;
      }
      case "CatchClause":
        this.#in("block", node.param === null ? [] : bound(node.param as Node), () => {
          if (node.param !== null) this.#binding(node.param as Node);
          this.#node(node.body as Node);
        });
        return;
      case "ForStatement":
        this.#in("block", declaredIn([node.init as Node | null]), () => {
          for (const part of [node.init, node.test, node.update, node.body]) this.#node(part as Node | null);
        });
        return;
      case "ForInStatement":
      case "ForOfStatement":
        this.#in("block", declaredIn([node.left as Node]), () => {
          if ((node.left as Node).type === "VariableDeclaration") this.#node(node.left as Node);
          else this.#target(node.left as Node);
          this.#node(node.right as Node);
          this.#node(node.body as Node);
        });
        return;
      case "LabeledStatement":
        return this.#node(node.body as Node);
      case "BreakStatement":
      case "ContinueStatement":
      case "ImportDeclaration":
      case "ExportAllDeclaration":
        return;
      case "ExportNamedDeclaration":
        return this.#node(node.declaration as Node | null);
      case "ExportDefaultDeclaration":
        return this.#node(node.declaration as Node, "default");
    }
    for (const value of Object.values(node).flat()) if (isNode(value)) this.#node(value);
  }

  /** Visits an expression. If it is a name, notes how it is used. */
  #used(node: Node, how: { called?: boolean; asked?: boolean }): void {
    if (node.type === "Identifier") this.#reference(node, how);
    else this.#node(node);
  }

  #reference(node: Node, how: { written?: boolean; shorthand?: boolean; called?: boolean; asked?: boolean }): void {
    const name = node.name as string;
    if (name === "arguments" && scopeOf(name, this.#scope) === undefined) {
      return this.#special("arguments", node, true);
    }
    this.analysis.references.push({
      name,
      start: node.start,
      end: node.end,
      scope: this.#scope,
      written: false,
      shorthand: false,
      called: false,
      asked: false,
      ...how,
    });
  }

  #special(what: string, node: Node, owned: boolean): void {
    this.analysis.specials.push({ what, node, scope: this.#scope, owner: owned ? this.#owner : undefined });
  }

  /** Visits the target of an assignment, which declares nothing. */
  #target(node: Node): void {
    switch (node.type) {
      case "Identifier":
        return this.#reference(node, { written: true });
      case "ObjectPattern":
        for (const property of node.properties as Node[]) {
          if (property.type === "RestElement") this.#target(property);
          else {
            if (property.computed === true) this.#node(property.key as Node);
            this.#target(property.value as Node);
          }
        }
        return;
      case "ArrayPattern":
        for (const element of node.elements as (Node | null)[]) if (element !== null) this.#target(element);
        return;
      case "RestElement":
        return this.#target(node.argument as Node);
      case "AssignmentPattern":
        this.#target(node.left as Node);
        return this.#node(node.right as Node);
      default:
        return this.#node(node);
    }
  }

  /** Visits a pattern that declares names. Only the expressions in it are of interest. */
  #binding(node: Node): void {
    switch (node.type) {
      case "ObjectPattern":
        for (const property of node.properties as Node[]) {
          if (property.type === "RestElement") continue;
          if (property.computed === true) this.#node(property.key as Node);
          this.#binding(property.value as Node);
        }
        return;
      case "ArrayPattern":
        for (const element of node.elements as (Node | null)[]) if (element !== null) this.#binding(element);
        return;
      case "RestElement":
        return this.#binding(node.argument as Node);
      case "AssignmentPattern":
        this.#binding(node.left as Node);
        return this.#node(node.right as Node, nameOf(node.left as Node));
    }
  }

  #function(node: Node, name: string | undefined): void {
    const params = node.params as Node[];
    const body = node.body as Node;
    const id = node.id as Node | null | undefined;
    const isArrow = node.type === "ArrowFunctionExpression";
    const isBlock = body.type === "BlockStatement";
    const names = [...params.flatMap(bound), ...isArrow ? [] : ["arguments"], ...isBlock ? declaredInBody(body) : []];
    const enter = (): Scope =>
      this.#in("function", names, () => {
        for (const param of params) this.#binding(param);
        if (isBlock) this.#all(body.body);
        else this.#node(body);
      });
    const named = (): void => {
      // The name of a function expression is visible only inside it.
      const scope = node.type === "FunctionExpression" && id ? this.#in("block", [id.name as string], enter) : enter();
      this.analysis.functions.push({ node, scope, name: (id?.name as string | undefined) ?? name });
    };
    if (isArrow) named();
    else this.#own(node, named);
  }

  #class(node: Node, name: string | undefined): void {
    const id = node.id as Node | null | undefined;
    const { body } = node.body as unknown as { body: Node[] };
    const scope = this.#in("block", id ? [id.name as string] : [], () => {
      this.#node(node.superClass as Node | null);
      const keys = body.map((member) => member.key as Node | undefined);
      const privates = keys.filter((key) => key?.type === "PrivateIdentifier");
      this.#privates.push(new Set(privates.map((key) => key!.name as string)));
      for (const member of body) {
        if (member.type === "StaticBlock") {
          this.#node(member);
          continue;
        }
        if (member.computed === true) this.#node(member.key as Node);
        const value = member.value as Node | null;
        const key = member.computed === true ? undefined : keyOf(member.key as Node);
        if (member.type === "MethodDefinition") this.#node(value, key);
        else if (value !== null) {
          this.#own(member, () => this.#in("function", ["arguments"], () => this.#node(value, key)));
        }
      }
      this.#privates.pop();
    });
    this.analysis.classes.push({ node, scope, name: (id?.name as string | undefined) ?? name });
  }

  #own(owner: Node, action: () => unknown): void {
    const outer = this.#owner;
    this.#owner = owner;
    action();
    this.#owner = outer;
  }
}

/** The names that a program, or the body of a function, declares for its whole scope. */
function declaredInBody({ body }: Node): string[] {
  return [...declaredIn(body as Node[]), ...varsIn(body)];
}

/** The names that statements declare for the scope that directly contains them. */
function declaredIn(statements: (Node | null)[]): string[] {
  return statements.flatMap((statement) => {
    const isExport = /^Export(?:Named|Default)Declaration$/.test(statement?.type ?? "");
    const node = isExport ? statement!.declaration as Node | null : statement;
    switch (node?.type) {
      case "FunctionDeclaration":
      case "ClassDeclaration":
        return node.id ? [(node.id as Node).name as string] : [];
      case "VariableDeclaration":
        return node.kind === "var" ? [] : variablesOf(node);
      case "ImportDeclaration":
        return (node.specifiers as Node[]).map(({ local }) => (local as Node).name as string);
      default:
        return [];
    }
  });
}

/** The `var` declarations of a function, at any depth. */
function varsIn(part: unknown): string[] {
  if (Array.isArray(part)) return part.flatMap(varsIn);
  if (!isNode(part) || FUNCTION.test(part.type) || /^Class/.test(part.type)) return [];
  const own = part.type === "VariableDeclaration" && part.kind === "var" ? variablesOf(part) : [];
  return /Statement$|Declaration$|^Program$|^CatchClause$|^SwitchCase$/.test(part.type)
    ? [...own, ...Object.values(part).filter((value) => typeof value === "object").flatMap(varsIn)]
    : own;
}

function variablesOf(declaration: Node): string[] {
  return (declaration.declarations as Node[]).flatMap(({ id }) => bound(id as Node));
}

/** The names that a pattern declares. */
export function bound(node: Node): string[] {
  switch (node.type) {
    case "Identifier":
      return [node.name as string];
    case "ObjectPattern":
      return (node.properties as Node[])
        .flatMap((each) => bound((each.type === "RestElement" ? each.argument : each.value) as Node));
    case "ArrayPattern":
      return (node.elements as (Node | null)[]).flatMap((each) => each === null ? [] : bound(each));
    case "RestElement":
      return bound(node.argument as Node);
    case "AssignmentPattern":
      return bound(node.left as Node);
    default:
      return [];
  }
}

function nameOf(node: Node): string | undefined {
  return node.type === "Identifier" ? node.name as string : undefined;
}

function keyOf(key: Node): string | undefined {
  if (key.type === "Identifier") return key.name as string;
  if (key.type === "PrivateIdentifier") return `#${key.name}`;
  return key.type === "Literal" ? String(key.value) : undefined;
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string";
}
