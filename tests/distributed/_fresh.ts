/** What tests of named objects make them with. */

let names = 0;

/** Makes options with a name that no other test uses. */
export function freshAt(connect: string): () => { name: string; connect: string } {
  return () => ({ name: `it-${++names}`, connect });
}

/** A signal that is aborted soon, when what waits does so. */
export function soon(reason: unknown): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 50);
  return controller.signal;
}
