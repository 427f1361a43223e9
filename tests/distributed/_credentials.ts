/** Keys of NATS, and credentials of a server whose accounts and users are signed by an operator. */

import { nkeys } from "@nats-io/transport-node";

type Pair = ReturnType<typeof nkeys.createUser>;

const text = new TextDecoder();

/** The public key of a user, for the server, and the seed, for the user. */
export function keyOfUser(): { nkey: string; seed: string } {
  const pair = nkeys.createUser();
  return { nkey: pair.getPublicKey(), seed: text.decode(pair.getSeed()) };
}

function base64url(bytes: Uint8Array | string): string {
  const binary = typeof bytes === "string" ? bytes : String.fromCharCode(...bytes);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function sign(issuer: Pair, subject: Pair, name: string, nats: object): string {
  const header = { typ: "JWT", alg: "ed25519-nkey" };
  const iat = Math.floor(Date.now() / 1000);
  const claims = { jti: name, iat, iss: issuer.getPublicKey(), name, sub: subject.getPublicKey(), nats };
  const body = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`;
  return `${body}.${base64url(issuer.sign(new TextEncoder().encode(body)))}`;
}

function credsOf(account: Pair): string {
  const user = nkeys.createUser();
  const jwt = sign(account, user, "user", {
    subs: -1,
    data: -1,
    payload: -1,
    pub: {},
    sub: {},
    type: "user",
    version: 2,
  });
  return `-----BEGIN NATS USER JWT-----
${jwt}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
${text.decode(user.getSeed())}
------END USER NKEY SEED------
`;
}

/** An operator with an account: the server's configuration, credentials of a user, and of a user of an account that it does not know. */
export function operator(): { config: string; creds: string; foreign: string } {
  const [operator, account, system] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount()];
  const limits = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const storage = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
  const accountOf = (pair: Pair, name: string, all: object): string =>
    sign(operator, pair, name, { limits: all, default_permissions: { pub: {}, sub: {} }, type: "account", version: 2 });
  const config = `operator: ${
    sign(operator, operator, "operator", { type: "operator", version: 2, system_account: system.getPublicKey() })
  }
resolver: MEMORY
resolver_preload: {
  ${account.getPublicKey()}: ${accountOf(account, "fleet", { ...limits, ...storage })}
  ${system.getPublicKey()}: ${accountOf(system, "system", limits)}
}`;
  return { config, creds: credsOf(account), foreign: credsOf(nkeys.createAccount()) };
}
