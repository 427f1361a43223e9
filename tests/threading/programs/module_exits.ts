import { task, Thread, WorkerLostError } from "@weft/concurrent/threading";

if (import.meta.main) {
  const target = task<(x: number) => number>(new URL("./_exits.ts", import.meta.url), "same");
  const thread = new Thread({ target, args: [1] }).start();
  try {
    await thread.result();
  } catch (error) {
    if (!(error instanceof WorkerLostError)) throw error;
    console.log(error.name, error.exitCode);
  }
  console.log("main ends");
}
