/** Exits where it is imported, as a command-line tool that prints its usage. Nothing is called after that. */
import process from "node:process";

process.exit(3);

export function answer(x: number): number {
  return x;
}
