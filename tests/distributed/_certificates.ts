/** Certificates of authorities that nothing else knows, made by openssl for one test file. */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";

/** Whether there is openssl. */
export const canMake: boolean = (() => {
  try {
    execFileSync("openssl", ["version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

/** A certificate with its key: files, and their texts. */
export class Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  readonly path: string;

  constructor(path: string) {
    this.path = path;
    this.certFile = `${path}.pem`;
    this.keyFile = `${path}.key`;
  }

  get cert(): string {
    return readFileSync(this.certFile, "utf8");
  }

  get key(): string {
    return readFileSync(this.keyFile, "utf8");
  }
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];

/** An authority. */
export class Authority extends Certificate {
  readonly #folder: string;

  constructor(folder: string, name: string) {
    super(`${folder}/${name}`);
    this.#folder = folder;
    openssl(
      "req",
      "-x509",
      ...KEY,
      "-keyout",
      this.keyFile,
      "-out",
      this.certFile,
      "-days",
      "2",
      "-subj",
      `/CN=${name}`,
    );
  }

  /** A certificate for a server at these places, as `DNS:localhost,IP:127.0.0.1`, or for a client. */
  sign(name: string, places = "DNS:client"): Certificate {
    const made = new Certificate(`${this.#folder}/${name}`);
    const { path, certFile, keyFile } = made;
    writeFileSync(`${path}.ext`, `subjectAltName=${places}\n`);
    openssl("req", "-new", ...KEY, "-keyout", keyFile, "-out", `${path}.csr`, "-subj", `/CN=${name}`);
    const by = ["-CA", this.certFile, "-CAkey", this.keyFile, "-CAserial", `${path}.srl`, "-CAcreateserial"];
    openssl("x509", "-req", "-in", `${path}.csr`, ...by, "-days", "2", "-extfile", `${path}.ext`, "-out", certFile);
    return made;
  }
}

function openssl(...args: string[]): void {
  execFileSync("openssl", args, { stdio: "ignore" });
}
