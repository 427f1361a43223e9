await new Promise(() => {});

export function same(x: number): number {
  return x;
}
