import { describe } from "node:test";
import { testPrograms } from "./_programs.ts";

describe("functions", () => testPrograms("docs/functions.md", 4));
