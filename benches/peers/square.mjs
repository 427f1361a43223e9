/** What the other pools run: piscina and tinypool call the default export. */

export default function work(x) {
  return typeof x === "number" ? x * x : x;
}
