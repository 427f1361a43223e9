/**
 * Objects that are more than their properties show: what is said of them, and which of a program's own are.
 *
 * @module
 */

import { sourcesOf } from "../runtime/host_classes.ts";
import { privateMember } from "../targets/shape.ts";

/** What to send instead; of all others: data. */
const INSTEAD: Record<string, string> = {
  "arguments object": "[...arguments]",
  AsyncGenerator: "what it yields",
  Blob: "await blob.bytes()",
  AbortSignal: "an Event, or give it as the option 'signal' of a task, which has one of its own in currentTask()",
  File: "await file.bytes()",
  FormData: "[...formData]",
  Generator: "[...generator]",
  Headers: "[...headers]",
  Module: "{ ...module }",
  Promise: "what it resolves to",
  SharedArrayBuffer: "a SharedArray",
  URL: "url.href",
  URLSearchParams: "String(params)",
};

/** Why an object of a class of the runtime cannot be sent. `kind` is what `toString` calls it. */
export function whyHost(hostClass: string, kind: string): string {
  if (kind === "SharedArrayBuffer") return "a SharedArrayBuffer cannot be copied: use SharedArray";
  const name = kind === "Object" ? hostClass : kind === "Arguments" ? "arguments object" : kind;
  const instead = /^(?:Temporal|Intl)\./.test(kind)
    ? "a string"
    : / Iterator$|^Iterator/.test(name)
    ? "[...iterator]"
    : INSTEAD[name] ?? INSTEAD[hostClass] ?? "data";
  return `${withArticle(name)} cannot be copied: send ${instead}`;
}

/** `an Event`. */
export function withArticle(name: string): string {
  return `${/^(?:[AEIOa]|U[^R])/.test(name) ? "an" : "a"} ${name}`;
}

const privates: WeakMap<object, boolean> = new WeakMap();

/** Whether an object without enumerable properties has something all the same, which would be lost in silence. */
export function hidesAll(object: object, prototype: object): boolean {
  if (Object.keys(object).length > 0) return false;
  if (Object.getOwnPropertySymbols(object).length > 0 || Object.getOwnPropertyNames(object).length > 0) return true;
  let has = privates.get(prototype);
  if (has === undefined) {
    has = sourcesOf(prototype).some((source) => source.startsWith("class") && privateMember(source) !== undefined);
    privates.set(prototype, has);
  }
  return has;
}

/** Why such an object cannot be sent. */
export function whyHidden(prototype: object): string {
  const name = prototype.constructor?.name || "its class";
  return `all that an instance of ${name} holds is private: call registerSerializable() for its class, or send data`;
}
