/** A program whose main part is under no guard. */

import { Thread } from "@weft/concurrent/threading";

export function nothing(): void {}

await new Thread({ target: nothing }).start().join();
