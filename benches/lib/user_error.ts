/** An error of the caller of a program of benchmarks: it is printed in a line, without a stack. */

/** Thrown for a wrong option, a missing file, or a file without results. */
export class UserError extends TypeError {
  override readonly name: string = "UserError";
}
