/** The player of a section: `player.ts locks`. */

import process from "node:process";
import { play } from "../lib/play.ts";
import { WORKS } from "./works.ts";

if (import.meta.main) {
  const [section] = process.argv.slice(2);
  await play(section!, await WORKS[section!]!());
}
