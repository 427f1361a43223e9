throw new EvalError("thrown at the top");

export function answer(x: number): number {
  return x;
}
