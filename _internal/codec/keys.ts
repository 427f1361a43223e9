/**
 * `KeyObject` and `CryptoKey`: the host objects that cross, as `structuredClone` copies them.
 *
 * Node's crypto gives the material of a key at once, which the web's gives by promises alone; its module is there, as the
 * key is of it or can be made one of it.
 *
 * @module
 */

import { nodeProcess } from "../runtime/globals.ts";

interface Key {
  type: "secret" | "public" | "private";
  export(options?: { format: "der"; type: "spki" | "pkcs8" }): Uint8Array;
  toCryptoKey(algorithm: unknown, extractable: boolean, usages: string[]): object;
}

interface Crypto {
  KeyObject: { new (): Key; from(key: object): Key };
  createSecretKey(material: Uint8Array): Key;
  createPublicKey(options: object): Key;
  createPrivateKey(options: object): Key;
}

interface WebKey {
  algorithm: unknown;
  extractable: boolean;
  usages: string[];
}

/** What is sent of a key. */
export interface KeyData {
  type: Key["type"];
  material: Uint8Array;
  web?: WebKey;
}

function crypto(): Crypto {
  return nodeProcess().getBuiltinModule("node:crypto") as Crypto;
}

/** What is to be sent of a key, if `value` is one. `tag` is what `toString` calls it. */
export function dataOfKey(value: object, tag: string): KeyData | undefined {
  if (tag !== "KeyObject" && tag !== "CryptoKey" || typeof nodeProcess()?.getBuiltinModule !== "function") {
    return undefined;
  }
  const { KeyObject } = crypto();
  const { CryptoKey } = globalThis as unknown as { CryptoKey: new () => WebKey };
  let web: WebKey | undefined;
  let key: Key;
  if (value instanceof KeyObject) {
    key = value;
  } else if (value instanceof CryptoKey) {
    const { algorithm, extractable, usages } = value;
    web = { algorithm, extractable, usages: [...usages] };
    key = KeyObject.from(value);
  } else {
    return undefined;
  }
  const { type } = key;
  const bytes = type === "secret"
    ? key.export()
    : key.export({ format: "der", type: type === "public" ? "spki" : "pkcs8" });
  return { type, material: new Uint8Array(bytes), ...(web === undefined ? {} : { web }) };
}

/** The key again. */
export function keyOfData({ type, material, web }: KeyData): object {
  const { createSecretKey, createPublicKey, createPrivateKey } = crypto();
  const key = type === "secret"
    ? createSecretKey(material)
    : type === "public"
    ? createPublicKey({ key: material, format: "der", type: "spki" })
    : createPrivateKey({ key: material, format: "der", type: "pkcs8" });
  return web === undefined ? key : key.toCryptoKey(web.algorithm, web.extractable, web.usages);
}
