/** Functions of many sorts, for other modules to hand over. */

let calls = 0;

export function double(x: number): number {
  return x * 2;
}

export const triple = (x: number): number => x * 3;

export async function later(x: number): Promise<number> {
  await 0;
  return x + 1;
}

export default function (x: number): string {
  return `default ${x}`;
}

function hidden(x: number): string {
  return `hidden ${x}`;
}

export { hidden as shown };

/** Knows that the module is the same one each time. */
export function count(): number {
  return ++calls;
}

export function withDefaults({ a = 1, b: { c = 2 } = {} }: { a?: number; b?: { c?: number } } = {}, ...rest: number[]) {
  return [a, c, ...rest];
}

export const where = (): string => import.meta.url;

function times(n: number) {
  return (x: number): number => x * n;
}

/** Two functions with the same source, and a function with the source of both. */
export const fourfold = times(4);
export const fivefold = times(5);
export const makeTimes = times;

/** A function with the same source as one in the test. */
export function makeAdder(n: number) {
  return (x: number): number => n + x;
}
export const onlyOne = makeAdder(1);

export const tools = {
  half(x: number): number {
    return x / 2;
  },
  async quarter(x: number): Promise<number> {
    await 0;
    return x / 4;
  },
  get seven(): number {
    return 7;
  },
  "an odd name"(x: number): number {
    return x + 0.5;
  },
  [`computed${1}`](x: number): number {
    return -x;
  },
};
