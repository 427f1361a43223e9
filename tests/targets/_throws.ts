/** Cannot be imported. */

export function fn(): void {}

throw new RangeError("thrown by the module");
