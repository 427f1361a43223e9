// Takes this system for another one, as far as the library can tell, and says what works there.

import process from "node:process";

const [os, arch] = process.argv.slice(2);
const { Deno } = globalThis as unknown as { Deno?: { build: object } };
if (Deno !== undefined) {
  const build = { os: os === "win32" ? "windows" : os, arch: arch === "x64" ? "x86_64" : "aarch64" };
  Object.defineProperty(Deno, "build", { value: { ...Deno.build, ...build } });
} else {
  Object.defineProperty(process, "platform", { value: os });
  Object.defineProperty(process, "arch", { value: arch });
}

const { Queue } = await import("@weft/concurrent/sync");
const { Thread } = await import("@weft/concurrent/threading");
const multiprocessing = await import("@weft/concurrent/multiprocessing");
const { answer } = await import("./_other_system_target.ts");

const queue = new Queue<string>();
await new Thread({ target: answer, args: [queue] }).start().join();
console.log(`threads: ${queue.getSync()}`);

const attempts: Record<string, () => unknown> = {
  Lock: () => new multiprocessing.Lock(),
  Queue: () => new multiprocessing.Queue(),
  Value: () => new multiprocessing.Value("i32", 0),
  SharedMemory: () => new multiprocessing.SharedMemory({ size: 100 }),
  Pipe: () => multiprocessing.Pipe(),
  Process: () => new multiprocessing.Process({ target: answer }).start(),
  Pool: () => new multiprocessing.Pool(1).apply(answer, [queue]),
};
for (const [name, attempt] of Object.entries(attempts)) {
  try {
    await attempt();
    console.log(`${name}: works`);
  } catch (error) {
    console.log(`${name}: ${(error as Error).name}: ${(error as Error).message}`);
  }
}
