import { parse } from "acorn";

export function anything(): unknown {
  return parse;
}
