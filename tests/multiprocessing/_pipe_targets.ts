/** What the threads of pipe_test.ts do. */

import { type Connection, EOFError } from "@weft/concurrent/multiprocessing";

export async function sendAndReturn(connection: Connection): Promise<void> {
  const received = (await connection.recv()) as Connection;
  received.sendSync("through the connection that came");
  received.close();
}

export function sendNumbers(connection: Connection, from: number, count: number): void {
  for (let i = 0; i < count; i++) connection.sendSync([from, i]);
}

export function receiveAll(connection: Connection<[number, number]>): [number, number][] {
  const all: [number, number][] = [];
  try {
    for (;;) all.push(connection.recvSync());
  } catch (error) {
    if (!(error instanceof EOFError)) throw error;
    return all;
  }
}

export async function echoAll(connection: Connection<number>, how: "sync" | "async"): Promise<number> {
  let count = 0;
  try {
    for (;; count++) {
      if (how === "sync") connection.sendSync(connection.recvSync());
      else await connection.send(await connection.recv());
    }
  } catch (error) {
    if (!(error instanceof EOFError)) throw error;
    return count;
  }
}
