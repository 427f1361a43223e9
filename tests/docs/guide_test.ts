import { describe } from "node:test";
import { testPrograms } from "./_programs.ts";

describe("guide", () => testPrograms("docs/guide.md", 16));
