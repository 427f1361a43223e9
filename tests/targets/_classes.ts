/** Threads as classes. */

import { Thread } from "@weft/concurrent/threading";

let constructed = 0;

export class Adder extends Thread<[], number> {
  left = 1;
  right: number;
  nested = { list: [1, 2, 3] };

  constructor(right: number) {
    super({ name: "Adder" });
    constructed++;
    this.right = right;
  }

  override run(): number {
    return this.left + this.right + this.nested.list.length;
  }
}

export class Inherited extends Adder {
  extra = 1000;

  override run(): number {
    return super.run() + this.extra + this.helper();
  }

  helper(): number {
    return 20000;
  }
}

export class Described extends Thread<[], unknown> {
  override run(): unknown {
    return [
      constructed,
      this instanceof Described,
      this.name,
      this.constructor === Described,
      this.ident !== undefined,
    ];
  }
}

export class Asynchronous extends Thread<[], number> {
  override async run(): Promise<number> {
    await 0;
    return 5;
  }
}

export class WithArguments extends Thread<[number, string], string> {
  constructor(count: number, text: string) {
    super({ args: [count, text] });
  }

  override run(count: number, text: string): string {
    return text.repeat(count);
  }
}

export default class extends Thread<[], string> {
  override run(): string {
    return "default";
  }
}

class Listed extends Thread<[], string> {
  static #registry = 1;
  static count(): number {
    return Listed.#registry;
  }

  override run(): string {
    return `listed ${Listed.count()}`;
  }
}
export { Listed as Renamed };

class Unexported extends Thread<[], string> {
  override run(): string {
    return "unexported";
  }
}

export class PrivateField extends Thread<[], number> {
  #field = 1;

  override run(): number {
    return this.#field;
  }
}

export class PrivateMethod extends Thread<[], number> {
  #method(): number {
    return 1;
  }

  override run(): number {
    return this.#method();
  }
}

export class InheritedPrivate extends PrivateField {
  override run(): number {
    return super.run();
  }
}

/** Has no `run()` of its own: its target runs, so that it need not be exported. */
class OnlyNamed extends Thread<[], number> {
  #kept = "here";

  constructor(target: () => number) {
    super({ target, name: "OnlyNamed" });
  }

  get kept(): string {
    return this.#kept;
  }
}

export function seven(): number {
  return 7;
}

export const makeUnexported = (): Thread<[], string> => new Unexported();
export const makeOnlyNamed = (): Thread<[], number> => new OnlyNamed(seven);

export function makeClass(value: string) {
  return class Made extends Thread<[], string> {
    override run(): string {
      return value;
    }
  };
}
export const Made = makeClass("exported");
