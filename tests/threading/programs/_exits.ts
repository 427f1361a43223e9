/** Nothing is called after the exit, so that nothing but the runtime's next look at it ends the worker. */
const { Deno, process } = globalThis as unknown as Record<string, { exit(code: number): never }>;
(Deno ?? process)!.exit(3);

export function same(x: number): number {
  return x;
}
