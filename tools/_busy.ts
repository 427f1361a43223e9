/** A machine with something else to do. */

/** Keeps every processor busy with a loop, and returns a function that stops that. */
export function makeBusy(): () => void {
  const loops = Array.from(
    { length: navigator.hardwareConcurrency },
    () => new Deno.Command(Deno.execPath(), { args: ["eval", "while (true);"], stdin: "null" }).spawn(),
  );
  return () => loops.forEach((loop) => loop.kill("SIGKILL"));
}
