import { Thread, type Value } from "@weft/concurrent/threading";

export function localSquare(x: number): number {
  return power(x, 2);
}

function power(x: number, exponent: number): number {
  return x ** exponent;
}

export class Doubler extends Thread {
  total: Value<"i32">;

  constructor(total: Value<"i32">) {
    super();
    this.total = total;
  }

  override run(): void {
    this.total.value *= 2;
  }
}
