/** What the packages' workers run; piscina and tinypool take this file as it is. */

exports.square = function square(x) {
  return x * x;
};

exports.echo = function echo(value) {
  return value;
};

/** Looks at the last of some bytes. */
exports.last = function last(bytes) {
  return bytes[bytes.length - 1];
};

/** Does nothing for so long that the other workers of a pool come up meanwhile. */
exports.sleep = function sleep(value) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  return value;
};

exports.compute = function compute(seed) {
  let sum = 0;
  for (let i = 0; i < 2_000_000; i++) sum += Math.sqrt(seed + i);
  return sum;
};

/** Ends the worker in the middle of its task. It imports nothing, since one package sends its text alone. */
exports.die = function die() {
  const { isMainThread } = process.getBuiltinModule("node:worker_threads");
  if (!isMainThread) process.exit(1);
  process.kill(process.pid, "SIGKILL");
  for (;;) continue;
};
