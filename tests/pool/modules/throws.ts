throw new EvalError("thrown at the top");

// deno-lint-ignore no-unreachable
export function answer(x: number): number {
  return x;
}
