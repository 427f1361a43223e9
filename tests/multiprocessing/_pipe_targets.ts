/** What the threads of pipe_test.ts do. */

import { type Connection, EOFError, type Queue } from "@weft/concurrent/multiprocessing";

export async function sendAndReturn(connection: Connection): Promise<void> {
  const received = (await connection.recv()) as Connection;
  received.sendSync("through the connection that came");
  received.close();
}

export function sendNumbers(connection: Connection, from: number, count: number): void {
  for (let i = 0; i < count; i++) connection.sendSync([from, i]);
}

export function sendNumbersAndReturn(connection: Connection, from: number, queue: Queue<Connection>): void {
  sendNumbers(connection, from, 1);
  queue.putSync(connection);
}

/** Returns while promises wait. */
export function leaveWaiting(connection: Connection<number>): void {
  for (const wait of [connection.recv(), connection.poll({ timeout: 60_000 })]) wait.catch(() => {});
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

/** Sends the bytes of each message back, which it has received into one buffer, until an empty message comes. */
export async function echoBytes(connection: Connection, how: "sync" | "async", size: number): Promise<number> {
  const buffer = new Uint8Array(size);
  for (let count = 0;; count++) {
    const length = how === "sync" ? connection.recvBytesIntoSync(buffer) : await connection.recvBytesInto(buffer);
    if (length === 0) return count;
    if (how === "sync") connection.sendBytesSync(buffer.subarray(0, length));
    else await connection.sendBytes(buffer.subarray(0, length));
  }
}

/** Sends a number back as soon as it comes, and then sleeps until the next one. */
export function answerNumbers(connection: Connection<number>): void {
  for (let number = connection.recvSync(); number >= 0; number = connection.recvSync()) connection.sendSync(number);
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
