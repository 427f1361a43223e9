import { Thread } from "@weft/concurrent/threading";
import { describeSubclass, describeTarget } from "../../_internal/targets/describe.ts";

export function declared(): number {
  return 1;
}

export class Declared extends Thread {
  override run(): number {
    return 3;
  }
}

const hidden = (): number => 2;

/** While the module is being loaded, as programs hand functions over: no runtime tells what it exports. */
export const described = {
  declared: describeTarget(declared, { what: "thread target" }),
  subclass: describeSubclass(new Declared(), Thread, { what: "Thread" }),
  hidden: describeTarget(hidden, { what: "thread target" }),
};
