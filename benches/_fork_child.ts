/** A child of `child_process.fork` that sends so many messages when it is told to. */

import process from "node:process";

process.on("message", (order: { count: number; size: number }) => {
  const text = "x".repeat(order.size);
  for (let i = 0; i < order.count; i++) {
    process.send!(order.size === 0 ? i : { id: i, name: `item ${i}${text}`, tags: ["a", "b"] });
  }
});
