import type { Space } from "../memory/space.ts";
import type { Spawned } from "../runtime/spawn.ts";
import type { LaunchOptions } from "./start.ts";
export function takeSpare(_s: Space, _r: number, _o: LaunchOptions): Spawned | undefined {
  return undefined;
}
export function warmUp(): void {}
