/** A listener of the program throws when a thread exits. */
import process from "node:process";
import { Thread, WorkerLostError } from "@weft/concurrent/threading";

export function returnSeven(): number {
  process.on("exit", () => {
    throw new Error("in a listener");
  });
  return 7;
}

export function exitWithThree(): void {
  process.on("exit", () => {
    throw new Error("in a listener");
  });
  process.exit(3);
}

export function exitAndReturn(): number {
  process.on("exit", () => {
    throw new Error("in a listener");
  });
  try {
    process.exit(4);
  } catch {
    return 8;
  }
}

if (import.meta.main) {
  const returned = new Thread({ target: returnSeven }).start();
  console.log("returned", await returned.result());
  const exited = new Thread({ target: exitWithThree }).start();
  const error = await exited.result().catch((error: Error) => error);
  console.log("exited", error instanceof WorkerLostError ? error.exitCode : (error as Error).message);
  const tried = new Thread({ target: exitAndReturn }).start();
  const outcome = await tried.result().catch((error: Error) => error);
  console.log("tried", outcome instanceof WorkerLostError ? outcome.exitCode : outcome);
  // What comes late would be reported here.
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  console.log("main ends");
}
