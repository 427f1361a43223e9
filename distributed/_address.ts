/**
 * Where the engine is, and by which secrets it lets a program in: as programs say it, and checked.
 *
 * @module
 */

import { optionsOr, show } from "../_internal/options.ts";
import { environmentVariable } from "../_internal/runtime/runtime.ts";

/** TLS: by which certificates the server is known, and the program. Texts in PEM format, or paths of files. */
export interface TlsOptions {
  /** Certificates that are trusted, as a text; by default those of the system. */
  ca?: string;
  /** The file of them. */
  caFile?: string;
  /** The program's own certificate. */
  cert?: string;
  /** The file of it. */
  certFile?: string;
  /** The key of that certificate. */
  key?: string;
  /** The file of it. */
  keyFile?: string;
}

/** Where the engine is, and by which secrets it lets a program in. */
export interface ConnectOptions {
  /** `nats://host:port`, or several of one cluster. */
  servers: string | readonly string[];
  /** A user's name. */
  user?: string;
  /** The user's password. */
  pass?: string;
  /** A token, in place of user and password. */
  token?: string;
  /** A seed of an nkey, `SU…`. */
  nkey?: string;
  /** The text of a credentials file. */
  creds?: string;
  /** TLS, also where the address does not ask for it. */
  tls?: TlsOptions;
}

/** A checked address. */
export interface Address extends Omit<ConnectOptions, "servers"> {
  readonly servers: readonly string[];
  /** For messages: without secrets. */
  readonly shown: string;
  /** Whether all servers are on this machine. */
  readonly isLoopback: boolean;
  /** Whether there is a secret, or a certificate of the program. */
  readonly hasSecret: boolean;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|::1)$/;

/**
 * Checks where the engine is.
 *
 * @throws {TypeError} If it is neither an address nor options.
 * @throws {RangeError} If an address is none of NATS.
 */
export function addressOf(connect: string | ConnectOptions, action: string): Address {
  const options = typeof connect === "string" ? { servers: connect } : optionsOr(connect);
  const { servers, user, pass, token, nkey, creds, tls } = options as ConnectOptions;
  const list = typeof servers === "string" ? servers.split(",").map((each) => each.trim()) : servers;
  if (!Array.isArray(list) || list.length === 0 || !list.every((each) => typeof each === "string")) {
    throw new TypeError(
      `Cannot ${action} as 'connect' must be an address like "nats://host:4222", or { servers, … }: received ${
        show(typeof connect === "string" ? withoutSecrets(connect) : connect)
      }`,
    );
  }
  if (tls !== undefined && (typeof tls !== "object" || tls === null)) {
    throw new TypeError(`Cannot ${action} as 'connect.tls' must be an object: received ${show(tls)}`);
  }
  for (const [name, value] of Object.entries({ user, pass, token, nkey, creds })) {
    if (value !== undefined && typeof value !== "string") {
      throw new TypeError(`Cannot ${action} as 'connect.${name}' must be a string: received a ${typeof value}`);
    }
  }
  const urls = list.map((server) => urlOf(server, action));
  // As NATS's own tools take them: `nats://user:pass@host`, `nats://token@host`.
  const [{ username, password }] = urls;
  const isToken = username !== "" && password === "";
  const secrets = {
    user: user ?? (isToken || username === "" ? undefined : decoded(username)),
    pass: pass ?? (password === "" ? undefined : decoded(password)),
    token: token ?? (isToken ? decoded(username) : undefined),
  };
  const isTls = tls !== undefined || urls.some(({ protocol }) => protocol === "tls:");
  return {
    ...secrets,
    nkey,
    creds,
    tls: isTls ? tls ?? {} : undefined,
    servers: urls.map(({ host }) => host),
    shown: urls.map(({ protocol, host }) => `${protocol}//${host}`).join(","),
    isLoopback: urls.every(({ hostname }) => LOOPBACK.test(hostname)),
    hasSecret: [secrets.user, secrets.token, nkey, creds, tls?.cert, tls?.certFile].some((each) => each !== undefined),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function urlOf(server: string, action: string): URL {
  const text = server.includes("://") ? server : `nats://${server}`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^(?:nats|tls):$/.test(url.protocol) || url.host === "") {
    throw new RangeError(
      `Cannot ${action} as 'connect' must be an address of NATS, like "nats://host:4222": received ${
        show(withoutSecrets(server))
      }`,
    );
  }
  return url;
}

function withoutSecrets(server: string): string {
  return server.replace(/^([a-z]+:\/\/)?.*@/i, "$1…@");
}

/** Where the engine is by the environment; `undefined`: it does not say. */
export function addressOfEnvironment(): string | undefined {
  return environmentVariable("WEFT_CONNECT") || undefined;
}
