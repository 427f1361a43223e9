/** Throws an error of which a part cannot be sent. */
export function throwPartly(): never {
  const error = new RangeError("what matters", { cause: new TypeError("the cause") });
  throw Object.assign(error, { code: 7, retry: () => 1 });
}

/** Throws what cannot be sent at all. */
export function throwFunction(): never {
  throw { retry: () => 1 };
}

/** One of several errors has a part that cannot be sent. */
export function throwAggregate(): never {
  throw new AggregateError([new Error("whole"), Object.assign(new TypeError("partly"), { retry: () => 1 })], "several");
}

/** Some of its properties cannot be read. */
export function throwUnreadable(): never {
  const error = Object.assign(new RangeError("what matters"), { code: 7 });
  const get = (): never => {
    throw new EvalError("inner");
  };
  Object.defineProperty(error, "bad", { enumerable: true, get });
  Object.defineProperty(error, "stack", { get });
  throw error;
}
