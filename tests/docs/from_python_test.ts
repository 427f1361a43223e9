import { describe } from "node:test";
import { testPrograms } from "./_programs.ts";

describe("from-python", () => testPrograms("docs/from-python.md", 15));
