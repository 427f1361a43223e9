/**
 * Finds the module in which a function is written with V8's inspector. It is the last resort when a function is handed over,
 * because the answer takes milliseconds.
 *
 * @module
 */

import { isPrompt } from "./modules.ts";
import { deno, isBrowser, isBun, nodeProcess } from "./runtime.ts";

type Answer = Record<string, unknown>;

interface Session {
  connect(): void;
  disconnect(): void;
  on(event: string, listener: (message: { params: { scriptId: string; url: string } }) => void): void;
  post(method: string, params: object, callback: (error: unknown, answer: Answer) => void): void;
}

interface Property {
  name: string;
  value?: { objectId?: string; value?: { scriptId: string } };
}

const scripts: Map<string, string> = new Map();
const KEY = Symbol.for("@weft/concurrent inspected function");

/**
 * The module in which a function is written; `undefined` if it is unknown. The inspector is used only if that needs no question
 * to the user: on Deno with `--allow-sys` (or `-A`), on Node always.
 */
export function moduleOfFunction(fn: object): string | undefined {
  // Deno evaluates the lines of a prompt with the inspector, and panics if they use it again.
  if (isBun || isBrowser || !isAllowed() || isPrompt()) return undefined;
  try {
    return inspect(fn);
  } catch {
    return undefined;
  }
}

function isAllowed(): boolean {
  try {
    return deno === undefined || deno.permissions.querySync({ name: "sys", kind: "inspector" }).state === "granted";
  } catch {
    return false;
  }
}

// The inspector answers inside the call, and no code of the program runs meanwhile. But Deno delivers the answers in a later
// tick, and the caller cannot wait for that. So process.nextTick is replaced during the call, and the ticks run here.
function inspect(fn: object): string | undefined {
  const process = nodeProcess();
  const { Session } = process.getBuiltinModule("node:inspector") as { Session: new () => Session };
  const session = new Session();
  const ticks: (() => void)[] = [];
  const { nextTick } = process;
  const post = (method: string, params: object): Answer => {
    let answer: Answer = {};
    session.post(method, params, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    for (const tick of ticks.splice(0)) tick();
    return answer;
  };
  const global = globalThis as Record<symbol, unknown>;
  session.connect();
  try {
    process.nextTick = (action) => void ticks.push(action);
    global[KEY] = fn;
    const { result } = post("Runtime.evaluate", {
      expression: `globalThis[Symbol.for(${JSON.stringify(KEY.description)})]`,
    });
    const { objectId } = result as { objectId: string };
    const { internalProperties } = post("Runtime.getProperties", { objectId, ownProperties: true });
    const location = (internalProperties as Property[]).find(({ name }) => name === "[[FunctionLocation]]");
    const scriptId = location?.value?.value?.scriptId;
    if (scriptId === undefined) return undefined;
    if (!scripts.has(scriptId)) {
      session.on("Debugger.scriptParsed", ({ params }) => scripts.set(params.scriptId, params.url));
      post("Debugger.enable", {});
    }
    return scripts.get(scriptId);
  } finally {
    delete global[KEY];
    process.nextTick = nextTick;
    // Disables what was enabled, and releases the function.
    session.disconnect();
  }
}
