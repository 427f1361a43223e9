/**
 * What the thread runs whose worker this is. Its handle may be made later, or never: many threads need none.
 *
 * @module
 */

type AnyFunction = (...args: never[]) => unknown;

let record = 0;
let target: AnyFunction | undefined;

/** Notes what the thread of a record runs, in its worker. */
export function setOwnTarget(ownRecord: number, ownTarget: AnyFunction): void {
  record = ownRecord;
  target = ownTarget;
}

/** What the thread of this record runs, in its worker. */
export function ownTarget(ofRecord: number): AnyFunction | undefined {
  return ofRecord === record ? target : undefined;
}
