/** Checks the contents of a file, and names the place of an error. */

import { UserError } from "./user_error.ts";

/** A value and where it is. */
export class Checker {
  constructor(readonly source: string, readonly path: string, readonly value: unknown) {}

  fail(rule: string): never {
    const shown = JSON.stringify(this.value)?.slice(0, 60) ?? "nothing";
    throw new UserError(`Cannot read results of ${this.source}: '${this.path}' ${rule}: received ${shown}`);
  }

  object(): Record<string, unknown> {
    if (typeof this.value !== "object" || this.value === null) this.fail("must be an object");
    return this.value as Record<string, unknown>;
  }

  at(name: string): Checker {
    return new Checker(this.source, this.path === "" ? name : `${this.path}.${name}`, this.object()[name]);
  }

  elements(): Checker[] {
    if (!Array.isArray(this.value)) this.fail("must be an array");
    return this.value.map((each, i) => new Checker(this.source, `${this.path}[${i}]`, each));
  }

  optional(): this | undefined {
    return this.value === undefined ? undefined : this;
  }

  string(): void {
    if (typeof this.value !== "string") this.fail("must be a string");
  }

  /** In the form of ISO 8601, as `toISOString` gives it or shorter. */
  date(): void {
    const isDate = typeof this.value === "string" && /^\d{4}-\d{2}-\d{2}/.test(this.value);
    if (!isDate || Number.isNaN(Date.parse(this.value as string))) this.fail("must be a date in the form of ISO 8601");
  }

  boolean(): void {
    if (typeof this.value !== "boolean") this.fail("must be true or false");
  }

  finite(): void {
    if (!Number.isFinite(this.value)) this.fail("must be a finite number");
  }

  number(): void {
    if (!Number.isFinite(this.value) || !(this.value as number >= 0)) this.fail("must be a number of 0 or more");
  }

  whole(least: number): void {
    if (!Number.isSafeInteger(this.value) || !(this.value as number >= least)) {
      this.fail(`must be a whole number of ${least} or more`);
    }
  }

  among(...allowed: string[]): void {
    if (!allowed.some((each) => each === this.value)) this.fail(`must be one of ${allowed.join(", ")}`);
  }
}
