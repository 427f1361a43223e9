/** Two ends of a pipe, one of them in a child process. */

import { type Connection, Pipe, Process } from "@weft/concurrent/multiprocessing";

export function child(conn: Connection<string>) {
  conn.sendSync("Data from child");
  conn.close();
}

if (import.meta.main) {
  const [parentConn, childConn] = Pipe<string>();
  const p = new Process({ target: child, args: [childConn] });
  p.start();
  console.log(await parentConn.recv());
  await p.join();
}

/* Prints:
Data from child
*/
