/**
 * Knows whether this worker is still importing the modules of its target.
 *
 * @module
 */

let importing: string | undefined;

/** Whether the modules of this worker's target are being imported. */
export function isImportingTargets(): boolean {
  return importing !== undefined;
}

/** While that is so, who imports what: `file:///x.ts was imported by Thread-1`. */
export function importingModule(): string | undefined {
  return importing;
}

// Importing one of these again runs nothing. Without this, what other async functions of the thread make meanwhile would
// seem to be made by the import.
const imported: Set<string> = new Set();

/** Runs `load`, which imports `module` for the thread or process called `worker`. */
export async function whileImporting<T>(module: string, worker: string, load: () => Promise<T>): Promise<T> {
  if (imported.has(module)) return await load();
  const outer = importing;
  importing = `${module} was imported by ${worker}`;
  try {
    const loaded = await load();
    imported.add(module);
    return loaded;
  } finally {
    importing = outer;
  }
}
