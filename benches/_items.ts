/** The items that the benches send. */

/** By their names in the tables. */
export const items: Record<string, unknown> = {
  "a small integer": 42,
  "a small object": { id: 7, name: "item 7", tags: ["a", "b"] },
  "an object of 1 KB": {
    id: 123_456,
    name: "a name of some length",
    email: "somebody@example.com",
    active: true,
    score: 0.75,
    created: 1_764_000_000_000,
    tags: ["alpha", "beta", "gamma", "delta"],
    address: { street: "12 Long Street", city: "Springfield", zip: "12345", geo: { lat: 51.5, lon: -0.12 } },
    items: Array.from({ length: 8 }, (_, i) => ({ sku: `SKU-${i}`, count: i, price: i * 1.5, note: "a short note" })),
    text: "lorem ipsum dolor sit amet ".repeat(8),
  },
};
