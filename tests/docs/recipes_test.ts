import { describe } from "node:test";
import { testPrograms } from "./_programs.ts";

describe("recipes", () => testPrograms("docs/recipes.md", 19));
