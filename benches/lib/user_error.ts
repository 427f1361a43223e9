/** What the caller of a program of benchmarks did wrong: it is told in a line, without a stack. */

/** Thrown for a wrong option, a file that is missing or is no results. */
export class UserError extends TypeError {
  override readonly name: string = "UserError";
}
