/**
 * Where the program called: for the stack of an error that comes back from a worker.
 *
 * @module
 */

type Capture = (error: Error, above: unknown) => void;

const capture = (Error as { captureStackTrace?: Capture }).captureStackTrace;

/** An error whose stack begins with the caller of the method `above`. The stack is not made to a string before it is read. */
export function callSite(above: unknown): Error {
  if (capture === undefined) return new Error();
  const site = {} as Error;
  capture(site, above);
  return site;
}
