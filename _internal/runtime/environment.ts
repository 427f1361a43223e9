/**
 * The variables of the environment.
 *
 * @module
 */

import { deno, nodeProcess } from "./globals.ts";

/** All variables; none where this program may not read them all, and so cannot change them either. Never asks. */
export function environment(): Record<string, string> {
  if (deno === undefined) return { ...(nodeProcess() as unknown as { env: Record<string, string> }).env };
  const { permissions, env } = deno as unknown as {
    permissions: { querySync(descriptor: { name: "env" }): { state: string } };
    env: { toObject(): Record<string, string> };
  };
  return permissions.querySync({ name: "env" }).state === "granted" ? env.toObject() : {};
}

/** One variable; `undefined` where there is none or this program may not read it. Never asks. */
export function environmentVariable(name: string): string | undefined {
  if (deno === undefined) {
    return (nodeProcess() as unknown as { env?: Record<string, string> } | undefined)?.env?.[name];
  }
  const { permissions, env } = deno as unknown as {
    permissions: { querySync(descriptor: { name: "env"; variable: string }): { state: string } };
    env: { get(name: string): string | undefined };
  };
  return permissions.querySync({ name: "env", variable: name }).state === "granted" ? env.get(name) : undefined;
}
