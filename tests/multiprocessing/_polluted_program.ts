/** Opens the C library where the program has put what a definition may have on `Object.prototype`. */

const polluted = Object.prototype as unknown as Record<string, unknown>;
const KEYS = [
  "parameters",
  "result",
  "type",
  "name",
  "optional",
  "nonblocking",
  "callback",
  "args",
  "returns",
  "struct",
];
for (const key of KEYS) polluted[key] = `polluted ${key}`;
const { Event } = await import("@weft/concurrent/multiprocessing");
const event = new Event();
event.set();
const isSet = await event.wait({ timeout: 10_000 });
for (const key of KEYS) delete polluted[key];
console.log(isSet);
