import { describeTarget } from "../../_internal/targets/describe.ts";

export function declared(): number {
  return 1;
}

const hidden = (): number => 2;

/** While the module is being loaded, as programs hand functions over: no runtime tells what it exports. */
export const described = {
  declared: describeTarget(declared, { what: "thread target" }),
  hidden: describeTarget(hidden, { what: "thread target" }),
};
