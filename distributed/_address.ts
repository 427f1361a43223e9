/**
 * The address of the engine and the secrets for it, as programs give them, and after checks.
 *
 * @module
 */

import { optionsOr, show } from "../_internal/options.ts";
import { environmentVariable } from "../_internal/runtime/runtime.ts";

/**
 * TLS options: the certificates by which the program knows the server, and the server the program. Each is a text in
 * PEM format, or the path of a file. Python: `ssl.SSLContext`.
 */
export interface TlsOptions {
  /** Trusted certificates, as a text. Default: those of the system. */
  ca?: string;
  /** The file of trusted certificates. Default: none. */
  caFile?: string;
  /** The program's own certificate, as a text. Default: none. */
  cert?: string;
  /** The file of the program's own certificate. Default: none. */
  certFile?: string;
  /** The private key of the program's certificate, as a text. Default: none. */
  key?: string;
  /** The file of the private key. Default: none. */
  keyFile?: string;
}

/** The address of the engine, and the secrets with which a program logs in. Python has no equivalent. */
export interface ConnectOptions {
  /** `nats://host:port`, or several addresses of one cluster, as a list or separated by commas. */
  servers: string | readonly string[];
  /** The user's name. Default: the name in the address, if any. */
  user?: string;
  /** The user's password. Default: the password in the address, if any. */
  pass?: string;
  /** A token, instead of user and password. Default: the token in the address, if any. */
  token?: string;
  /** The seed of an nkey, `SU…`. Default: none. */
  nkey?: string;
  /** The text of a credentials file. Default: none. */
  creds?: string;
  /** Turns TLS on and sets its options. Default: TLS is on only if an address begins with `tls://`. */
  tls?: TlsOptions;
}

/** A checked address. */
export interface Address extends Omit<ConnectOptions, "servers"> {
  readonly servers: readonly string[];
  /** The address without secrets, for messages. */
  readonly shown: string;
  /** Whether all servers are on this machine. */
  readonly isLoopback: boolean;
  /** Whether there is a secret or a certificate of the program. */
  readonly hasSecret: boolean;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|::1)$/;

/**
 * Checks the address of the engine.
 *
 * @throws {TypeError} If it is neither an address nor options.
 * @throws {RangeError} If an address is not an address of NATS.
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
  // As the tools of NATS write addresses: `nats://user:pass@host`, `nats://token@host`.
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

/** The address of the engine that the environment gives; `undefined`: none. */
export function addressOfEnvironment(): string | undefined {
  return environmentVariable("WEFT_CONNECT") || undefined;
}
