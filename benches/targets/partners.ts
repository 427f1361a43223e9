/** Threads and processes that answer for as long as the program runs. */

import type { Connection } from "@weft/concurrent/multiprocessing";
import type { Queue, Semaphore } from "@weft/concurrent/sync";

export function answerQueue(questions: Queue<unknown>, answers: Queue<unknown>): never {
  while (true) answers.putSync(questions.getSync());
}

export function answerPermits(questions: Semaphore, answers: Semaphore): never {
  while (true) {
    questions.acquireSync();
    answers.release();
  }
}

export function answerPipe(connection: Connection): never {
  while (true) connection.sendSync(connection.recvSync());
}
