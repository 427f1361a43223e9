/**
 * Transforms the library's modules so that they can be stopped before each atomic operation.
 *
 * Every function that may reach an atomic operation becomes a generator, and every call that may reach such a
 * function passes the generator that it got, if it got one, to the trampoline of `_virtual_threads.ts`:
 *
 * ```text
 *   load(words, at)            (yield $op(0, site, words, at))
 *   f(x)                       (($ = f(x)) instanceof $G ? yield $ : $)
 *   await p                    (yield $await(p))
 *   new Promise(fn)            (yield $newPromise(fn))
 *   async f() { … }            *f() { yield $ASYNC; … }
 *   words[at] = x              (yield $op(16, site, words, at, x))      a moment in which the thread may die
 *   words[at]                  $read(words, at)
 *   constructors, accessors,   the same calls within $sync(…): they run to their end as one step
 *   callbacks of array methods
 * ```
 *
 * Nothing else changes, types excepted. Which functions may reach an atomic operation is found by name over all
 * modules. The search errs on the side of too many: a needless generator is only slower, a missing one would be wrong.
 *
 * @module
 */

import ts from "typescript";

const { factory, SyntaxKind } = ts;

/** The atomic operations with an `Int32Array` and an index first, in the order of their numbers. */
export const OPERATIONS: readonly string[] = [
  "load",
  "store",
  "exchange",
  "compareExchange",
  "add",
  "and",
  "or",
  "wait",
  "notify",
  "whenChanged",
];

/**
 * The cheaper forms, by what they do here. The explorer's memory is sequentially consistent. So is x86-64's where these forms
 * may be used: between a `post` and the next atomic operation that writes, its thread reads no word of another.
 */
export const CHEAPER: Readonly<Record<string, string>> = { peek: "load", post: "store" };

/** The number of the operation that this function of atomics.ts does; -1: none of them. */
export function operationOf(name: string): number {
  return OPERATIONS.indexOf(CHEAPER[name] ?? name);
}

/** The number of a plain store into the shared words. */
export const PLAIN_STORE = 16;

/** Globals whose functions call nothing back. */
const PLAIN_OBJECTS = new Set(
  "Math Object Number JSON Reflect Symbol String BigInt Date Int32Array Uint8Array Array crypto console Error performance"
    .split(" "),
);

/** Functions that call nothing back, or nothing of ours. */
const PLAIN_FUNCTIONS = new Set(
  "Number String Boolean BigInt Symbol parseInt parseFloat isNaN structuredClone clearTimeout clearInterval require setTimeout setInterval queueMicrotask"
    .split(" "),
);

/** Methods of built-in objects that call nothing back, where no function of the modules has that name. */
const PLAIN_METHODS = new Set(
  ("push pop shift unshift slice splice concat join includes indexOf has delete set get add clear keys values entries fill subarray copyWithin " +
    "charCodeAt codePointAt padStart padEnd startsWith endsWith split trim replace replaceAll toString toFixed deref register unregister " +
    "addEventListener removeEventListener throwIfAborted test exec hasOwnProperty at encode decode encodeInto isPrototypeOf next return throw " +
    "then catch finally resolve reject setInt32 getInt32 setFloat64 getFloat64 setBigInt64 getBigInt64")
    .split(" "),
);

/** Methods of built-in objects that call their argument at once and run it to its end. */
const CALLING_METHODS = new Set(
  "map filter forEach some every find findIndex findLast sort toSorted reduce flatMap replace from".split(" "),
);

/** A module's source. */
export interface Source {
  readonly file: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

/** Where an operation stands in the source. */
export interface Site {
  readonly file: string;
  readonly line: number;
  readonly within: string;
}

/** Parses a module. */
export function parse(file: string, text: string): Source {
  return { file, text, tree: ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true, ts.ScriptKind.TS) };
}

/** The modules that a module imports at run time. */
export function importsOf(source: Source): string[] {
  const found: string[] = [];
  for (const statement of source.tree.statements) {
    if (ts.isImportDeclaration(statement)) {
      const clause = statement.importClause;
      if (clause?.isTypeOnly) continue;
      const bindings = clause?.namedBindings;
      const allTypes = clause !== undefined && clause.name === undefined && bindings !== undefined &&
        ts.isNamedImports(bindings) && bindings.elements.every((element) => element.isTypeOnly);
      if (!allTypes) found.push((statement.moduleSpecifier as ts.StringLiteral).text);
    } else if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined && !statement.isTypeOnly) {
      found.push((statement.moduleSpecifier as ts.StringLiteral).text);
    }
  }
  return found;
}

type FunctionNode = ts.FunctionLikeDeclaration;

function isFunction(node: ts.Node): node is FunctionNode {
  return ts.isFunctionDeclaration(node) || ts.isFunctionExpression(node) || ts.isArrowFunction(node) ||
    ts.isMethodDeclaration(node) || ts.isConstructorDeclaration(node) || ts.isGetAccessor(node) ||
    ts.isSetAccessor(node);
}

function isAsync(node: FunctionNode): boolean {
  return node.modifiers?.some((modifier) => modifier.kind === SyntaxKind.AsyncKeyword) ?? false;
}

function isGenerator(node: FunctionNode): boolean {
  return "asteriskToken" in node && node.asteriskToken !== undefined;
}

function nameOf(node: FunctionNode): string | undefined {
  if (node.name !== undefined) return node.name.getText();
  let parent: ts.Node = node.parent;
  while (ts.isParenthesizedExpression(parent) || ts.isConditionalExpression(parent)) parent = parent.parent;
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent) || ts.isPropertyDeclaration(parent)) {
    return parent.name.getText();
  }
  if (ts.isBinaryExpression(parent) && parent.operatorToken.kind === SyntaxKind.EqualsToken) {
    return ts.isPropertyAccessExpression(parent.left) ? parent.left.name.text : parent.left.getText();
  }
  return undefined;
}

/** A callback that a built-in method or constructor calls at once: it cannot be stopped in its middle. */
function isCalledByBuiltIn(node: ts.Node): boolean {
  const call = node.parent;
  if (call === undefined) return false;
  if (ts.isCallExpression(call) && call.arguments.includes(node as ts.Expression)) {
    return ts.isPropertyAccessExpression(call.expression) && CALLING_METHODS.has(call.expression.name.text);
  }
  return ts.isNewExpression(call) && call.expression.getText() !== "Promise" &&
    call.expression.getText() === "FinalizationRegistry";
}

/** Runs to its end as one step, whatever it calls. */
function runsAtOnce(node: FunctionNode): boolean {
  return ts.isConstructorDeclaration(node) || ts.isGetAccessor(node) || ts.isSetAccessor(node) ||
    isCalledByBuiltIn(node);
}

/** Whether an expression is an element of the shared words. */
function isWord(node: ts.Node): node is ts.ElementAccessExpression {
  if (!ts.isElementAccessExpression(node)) return false;
  const array = node.expression;
  if (ts.isIdentifier(array)) return array.text === "words";
  return ts.isPropertyAccessExpression(array) && (array.name.text === "words" || array.name.text === "#words");
}

function isFill(node: ts.CallExpression): boolean {
  const callee = node.expression;
  return ts.isPropertyAccessExpression(callee) && callee.name.text === "fill" && ts.isIdentifier(callee.expression) &&
    callee.expression.text === "words";
}

function isPlainStore(node: ts.Node): node is ts.BinaryExpression {
  return ts.isBinaryExpression(node) && node.operatorToken.kind === SyntaxKind.EqualsToken && isWord(node.left);
}

interface Colours {
  /** Names of functions that may reach an atomic operation. */
  readonly reaching: ReadonlySet<string>;
  /** Names of all functions of the modules. */
  readonly declared: ReadonlySet<string>;
}

function mayReach(callee: ts.Expression, colours: Colours): boolean {
  while (ts.isParenthesizedExpression(callee) || ts.isNonNullExpression(callee)) callee = callee.expression;
  if (callee.kind === SyntaxKind.SuperKeyword) return false;
  if (ts.isIdentifier(callee)) {
    if (colours.reaching.has(callee.text)) return true;
    return !colours.declared.has(callee.text) && !PLAIN_FUNCTIONS.has(callee.text);
  }
  if (ts.isPropertyAccessExpression(callee)) {
    const name = callee.name.text;
    if (ts.isIdentifier(callee.expression) && PLAIN_OBJECTS.has(callee.expression.text)) return false;
    if (colours.reaching.has(name)) return true;
    return !colours.declared.has(name) && !PLAIN_METHODS.has(name) && !CALLING_METHODS.has(name);
  }
  return true;
}

function visitOwn(node: ts.Node, visit: (node: ts.Node) => void): void {
  ts.forEachChild(node, (child) => {
    visit(child);
    if (!isFunction(child) && !ts.isClassLike(child)) visitOwn(child, visit);
  });
}

/** Finds the functions that may reach an atomic operation. */
export function colour(sources: readonly Source[]): Colours {
  const functions: { name: string | undefined; callees: ts.Expression[]; own: boolean }[] = [];
  const declared = new Set<string>();
  const reaching = new Set<string>([...OPERATIONS, ...Object.keys(CHEAPER), "now", "pause", "isProcessAlive"]);
  const collect = (node: ts.Node): void => {
    if (isFunction(node)) {
      const callees: ts.Expression[] = [];
      let own = isAsync(node);
      visitOwn(node, (child) => {
        if (ts.isCallExpression(child)) callees.push(child.expression);
        if (isPlainStore(child)) own = true;
        if (ts.isAwaitExpression(child) || (ts.isNewExpression(child) && child.expression.getText() === "Promise")) {
          own = true;
        }
      });
      const name = nameOf(node);
      if (name !== undefined) declared.add(name);
      functions.push({ name, callees, own });
    } else if (ts.isImportSpecifier(node) && node.propertyName !== undefined) {
      // `import { notify as wake }` counts as a function `wake` that calls `notify`.
      functions.push({ name: node.name.text, callees: [node.propertyName as ts.Identifier], own: false });
    }
    ts.forEachChild(node, collect);
  };
  for (const source of sources) collect(source.tree);
  const colours = { reaching, declared };
  for (let changed = true; changed;) {
    changed = false;
    for (const { name, callees, own } of functions) {
      if (name === undefined || reaching.has(name)) continue;
      if (own || callees.some((callee) => mayReach(callee, colours))) {
        reaching.add(name);
        changed = true;
      }
    }
  }
  return colours;
}

/** The text of a module as a function body with `require`, `exports` and the helpers `$…`. Adds to `sites`. */
export function transform(source: Source, colours: Colours, sites: Site[]): string {
  const operations = atomicsOf(source);
  const transformer: ts.TransformerFactory<ts.SourceFile> = (context) => (file) => {
    let stoppable = false; // whether the function around is a generator
    let usesTemporary = false;
    let within = "";

    const helper = (name: string, args: readonly ts.Expression[]): ts.Expression =>
      factory.createCallExpression(factory.createIdentifier(name), undefined, args);
    const yielded = (value: ts.Expression): ts.Expression =>
      factory.createParenthesizedExpression(factory.createYieldExpression(undefined, value));

    const site = (node: ts.Node): ts.Expression => {
      const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree));
      sites.push({ file: source.file, line: line + 1, within });
      return factory.createAdd(factory.createIdentifier("$base"), factory.createNumericLiteral(sites.length - 1));
    };

    const guarded = (call: ts.Expression): ts.Expression => {
      if (!stoppable) return helper("$sync", [call]);
      usesTemporary = true;
      const temporary = factory.createIdentifier("$");
      return factory.createParenthesizedExpression(factory.createConditionalExpression(
        factory.createBinaryExpression(
          factory.createParenthesizedExpression(factory.createAssignment(temporary, call)),
          SyntaxKind.InstanceOfKeyword,
          factory.createIdentifier("$G"),
        ),
        undefined,
        factory.createYieldExpression(undefined, temporary),
        undefined,
        temporary,
      ));
    };

    const visitCall = (node: ts.CallExpression): ts.Expression => {
      const callee = node.expression;
      const reaches = mayReach(callee, colours);
      if (ts.isIdentifier(callee) && operations.has(callee.text)) {
        const number = factory.createNumericLiteral(operations.get(callee.text)!);
        const args = node.arguments.map((argument) => ts.visitNode(argument, visit) as ts.Expression);
        return stoppable
          ? yielded(helper("$op", [number, site(node), ...args]))
          : helper("$now", [number, site(node), ...args]);
      }
      const visited = ts.visitEachChild(node, visit, context);
      // In a chain like a?.b() only the whole chain has a value: visitChain deals with it.
      return reaches ? guarded(visited) : visited;
    };

    const visitFunction = (node: FunctionNode): ts.Node => {
      const outer = { stoppable, usesTemporary, within };
      const name = nameOf(node) ?? (within === "" ? "" : `${within}, callback`);
      within = ts.isConstructorDeclaration(node)
        ? `new ${(node.parent as ts.ClassLikeDeclaration).name?.text ?? ""}`
        : name;
      stoppable = false;
      usesTemporary = false;
      const parameters = ts.visitNodes(node.parameters, visit) as unknown as ts.NodeArray<ts.ParameterDeclaration>;
      const async = isAsync(node);
      const callees: ts.Expression[] = [];
      let own = async;
      if (node.body !== undefined) {
        const look = (child: ts.Node): void => {
          if (ts.isCallExpression(child)) callees.push(child.expression);
          if (isPlainStore(child)) own = true;
          if (ts.isNewExpression(child) && child.expression.getText(source.tree) === "Promise") own = true;
        };
        look(node.body);
        // A function that only returns another function calls nothing.
        if (!isFunction(node.body)) visitOwn(node.body, look);
      }
      stoppable = !runsAtOnce(node) && !isGenerator(node) && node.body !== undefined &&
        (own || callees.some((callee) => mayReach(callee, colours)));
      let result: ts.Node;
      if (isGenerator(node) && node.body !== undefined) {
        // Iteration calls a generator in its own way: models call the functions below it instead.
        const body = factory.createBlock([
          factory.createThrowStatement(
            factory.createNewExpression(factory.createIdentifier("Error"), undefined, [
              factory.createStringLiteral(`${source.file}: generators cannot be explored`),
            ]),
          ),
        ]);
        result = replace(node, node.modifiers, node.asteriskToken, parameters, body);
      } else if (!stoppable) {
        let body = node.body === undefined ? undefined : ts.visitNode(node.body, visit) as ts.Block;
        if (ts.isConstructorDeclaration(node) && body !== undefined) {
          // Arrow functions that have become generators have no `new.target` of the constructor around them.
          const target = factory.createMetaProperty(SyntaxKind.NewKeyword, factory.createIdentifier("target"));
          const declaration = factory.createVariableDeclaration("$target", undefined, undefined, target);
          body = factory.createBlock([
            factory.createVariableStatement(
              undefined,
              factory.createVariableDeclarationList([declaration], ts.NodeFlags.Const),
            ),
            ...body.statements,
          ], true);
        }
        result = replace(node, node.modifiers, undefined, parameters, body as ts.Block);
      } else {
        const body = ts.visitNode(node.body!, visit) as ts.ConciseBody;
        const statements: ts.Statement[] = [];
        if (usesTemporary) {
          statements.push(factory.createVariableStatement(
            undefined,
            factory.createVariableDeclarationList([factory.createVariableDeclaration("$")], ts.NodeFlags.Let),
          ));
        }
        if (async) statements.push(factory.createExpressionStatement(yielded(factory.createIdentifier("$ASYNC"))));
        if (ts.isBlock(body)) statements.push(...body.statements);
        else statements.push(factory.createReturnStatement(body as ts.Expression));
        const block = factory.createBlock(statements, true);
        const modifiers = node.modifiers?.filter((modifier) => modifier.kind !== SyntaxKind.AsyncKeyword);
        const star = factory.createToken(SyntaxKind.AsteriskToken);
        if (ts.isArrowFunction(node)) {
          const expression = factory.createParenthesizedExpression(
            factory.createFunctionExpression(undefined, star, undefined, undefined, parameters, undefined, block),
          );
          result = usesThis(node)
            ? factory.createCallExpression(factory.createPropertyAccessExpression(expression, "bind"), undefined, [
              factory.createThis(),
            ])
            : expression;
        } else {
          result = replace(node, modifiers, star, parameters, block);
        }
      }
      ({ stoppable, usesTemporary, within } = outer);
      return result;
    };

    const visit = (node: ts.Node): ts.Node => {
      if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return node;
      if (isFunction(node)) return visitFunction(node);
      if (ts.isPropertyDeclaration(node) || ts.isClassStaticBlockDeclaration(node)) {
        const outer = { stoppable, usesTemporary };
        stoppable = false;
        const result = ts.visitEachChild(node, visit, context);
        ({ stoppable, usesTemporary } = outer);
        return result;
      }
      if (ts.isMetaProperty(node) && node.keywordToken === SyntaxKind.NewKeyword) {
        return factory.createIdentifier("$target");
      }
      if (isPlainStore(node)) {
        const { expression, argumentExpression } = node.left as ts.ElementAccessExpression;
        const where = site(node);
        const args = [expression, argumentExpression, node.right].map((part) =>
          ts.visitNode(part, visit) as ts.Expression
        );
        const number = factory.createNumericLiteral(PLAIN_STORE);
        return stoppable ? yielded(helper("$op", [number, where, ...args])) : helper("$now", [number, where, ...args]);
      }
      if (isWord(node)) {
        const { parent } = node;
        if (
          ts.isPrefixUnaryExpression(parent) && parent.operator >= SyntaxKind.PlusPlusToken ||
          ts.isPostfixUnaryExpression(parent)
        ) {
          unsupported(node, "++ of a word");
        }
        if (
          ts.isBinaryExpression(parent) && parent.left === node &&
          parent.operatorToken.kind >= SyntaxKind.FirstCompoundAssignment &&
          parent.operatorToken.kind <= SyntaxKind.LastCompoundAssignment
        ) {
          unsupported(node, "compound assignment to a word");
        }
        return helper(
          "$read",
          [node.expression, node.argumentExpression].map((part) => ts.visitNode(part, visit) as ts.Expression),
        );
      }
      if (ts.isCallExpression(node) && isFill(node)) {
        return helper(
          "$fill",
          [
            (node.expression as ts.PropertyAccessExpression).expression,
            ...node.arguments,
          ].map((part) => ts.visitNode(part, visit) as ts.Expression),
        );
      }
      if (ts.isCallExpression(node)) {
        if (isWithinChain(node)) return ts.visitEachChild(node, visit, context);
        return visitCall(node);
      }
      if (ts.isNewExpression(node) && node.expression.getText(source.tree) === "Promise") {
        return yielded(helper("$newPromise", [ts.visitNode(node.arguments![0], visit) as ts.Expression]));
      }
      if (ts.isAwaitExpression(node)) {
        return yielded(helper("$await", [ts.visitNode(node.expression, visit) as ts.Expression]));
      }
      if (ts.isForOfStatement(node) && node.awaitModifier !== undefined) unsupported(node, "for await");
      if (ts.isVariableDeclarationList(node) && (node.flags & ts.NodeFlags.Using) === ts.NodeFlags.Using) {
        unsupported(node, "using");
      }
      return ts.visitEachChild(node, visit, context);
    };

    const unsupported = (node: ts.Node, what: string): never => {
      const { line } = source.tree.getLineAndCharacterOfPosition(node.getStart(source.tree));
      throw new SyntaxError(
        `Cannot explore ${source.file}:${line + 1} as '${what}' calls functions unseen: call them by name`,
      );
    };

    const replace = (
      node: FunctionNode,
      modifiers: readonly ts.ModifierLike[] | undefined,
      star: ts.AsteriskToken | undefined,
      parameters: ts.NodeArray<ts.ParameterDeclaration>,
      body: ts.Block | undefined,
    ): ts.Node => {
      if (ts.isFunctionDeclaration(node)) {
        return factory.updateFunctionDeclaration(
          node,
          modifiers,
          star,
          node.name,
          undefined,
          parameters,
          undefined,
          body,
        );
      }
      if (ts.isFunctionExpression(node)) {
        return factory.updateFunctionExpression(
          node,
          modifiers as ts.Modifier[],
          star,
          node.name,
          undefined,
          parameters,
          undefined,
          body!,
        );
      }
      if (ts.isArrowFunction(node)) {
        return factory.updateArrowFunction(
          node,
          modifiers as ts.Modifier[],
          undefined,
          parameters,
          undefined,
          node.equalsGreaterThanToken,
          body!,
        );
      }
      if (ts.isMethodDeclaration(node)) {
        // A computed name is an expression of its own.
        return factory.updateMethodDeclaration(
          node,
          modifiers,
          star,
          node.name,
          undefined,
          undefined,
          parameters,
          undefined,
          body,
        );
      }
      if (ts.isConstructorDeclaration(node)) {
        return factory.updateConstructorDeclaration(node, modifiers, parameters, body);
      }
      if (ts.isGetAccessor(node)) {
        return factory.updateGetAccessorDeclaration(node, modifiers, node.name, parameters, undefined, body);
      }
      return factory.updateSetAccessorDeclaration(
        node as ts.SetAccessorDeclaration,
        modifiers,
        node.name,
        parameters,
        body,
      );
    };

    const visited = ts.visitEachChild(file, visit, context);
    return factory.updateSourceFile(visited, [...visited.statements, ...resets(source)]);
  };
  // The tree of `parse` has parents and positions; the printer then strips the types.
  const transformed = ts.transform(source.tree, [transformer]).transformed[0];
  const printed = ts.createPrinter({ removeComments: true }).printFile(transformed);
  return ts.transpileModule(printed, {
    fileName: source.file,
    compilerOptions: { target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.CommonJS, removeComments: true },
  }).outputText;
}

/** `a?.b` in `a?.b().c()`: not an expression that could be taken out. */
function isWithinChain(node: ts.CallExpression): boolean {
  return (node.flags & ts.NodeFlags.OptionalChain) !== 0 &&
    (ts.isPropertyAccessExpression(node.parent) || ts.isCallExpression(node.parent)) &&
    node.parent.expression === node && (node.parent.flags & ts.NodeFlags.OptionalChain) !== 0;
}

function usesThis(node: ts.Node): boolean {
  let found = false;
  const look = (child: ts.Node): void => {
    if (child.kind === SyntaxKind.ThisKeyword || child.kind === SyntaxKind.SuperKeyword) found = true;
    if (found || ts.isClassLike(child)) return;
    if (isFunction(child) && !ts.isArrowFunction(child)) return;
    ts.forEachChild(child, look);
  };
  ts.forEachChild(node, look);
  return found;
}

/**
 * Statements that reset the module's own state: numbers and flags that `let` declares get their first values again, and
 * maps and sets that were empty at first are emptied.
 */
function resets(source: Source): ts.Statement[] {
  const statements: ts.Statement[] = [];
  for (const statement of source.tree.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name, initializer } of statement.declarationList.declarations) {
      if (initializer === undefined || !ts.isIdentifier(name)) continue;
      const variable = factory.createIdentifier(name.text);
      const call = (helper: string, argument: ts.Expression): void => {
        statements.push(factory.createExpressionStatement(
          factory.createCallExpression(factory.createIdentifier(helper), undefined, [argument]),
        ));
      };
      const isLet = (statement.declarationList.flags & ts.NodeFlags.Let) !== 0;
      if (isLet && (ts.isNumericLiteral(initializer) || initializer.kind === SyntaxKind.FalseKeyword)) {
        const value = ts.isNumericLiteral(initializer)
          ? factory.createNumericLiteral(initializer.text)
          : factory.createFalse();
        call(
          "$reset",
          factory.createArrowFunction(
            undefined,
            undefined,
            [],
            undefined,
            undefined,
            factory.createParenthesizedExpression(factory.createAssignment(variable, value)),
          ),
        );
      } else if (
        ts.isNewExpression(initializer) && /^(Map|Set)$/.test(initializer.expression.getText(source.tree)) &&
        !initializer.arguments?.length
      ) {
        call("$empty", variable);
      }
    }
  }
  return statements;
}

/** The local names of the atomic operations, with their numbers. */
function atomicsOf(source: Source): Map<string, number> {
  const found = new Map<string, number>();
  for (const statement of source.tree.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    if (!(statement.moduleSpecifier as ts.StringLiteral).text.endsWith("/atomics.ts")) continue;
    const bindings = statement.importClause?.namedBindings;
    if (bindings === undefined || !ts.isNamedImports(bindings)) continue;
    for (const element of bindings.elements) {
      const number = operationOf((element.propertyName ?? element.name).text);
      if (number >= 0) found.set(element.name.text, number);
    }
  }
  return found;
}
