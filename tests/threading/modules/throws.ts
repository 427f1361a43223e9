throw new RangeError("at the top of the module");
export function run(): void {}
