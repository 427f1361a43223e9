/** Is killed when it is imported, as the system does when memory is short. */
import process from "node:process";

process.kill(process.pid, "SIGKILL");
// The signal arrives at once, but the kill may take a moment.
for (;;);

export function answer(x: number): number {
  return x;
}
