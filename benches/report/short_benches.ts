/** A line for each group of the short benches: what it does. The names of the contestants are the calls themselves. */

/** By the beginning of the name of a group; the first that matches is used. */
const ABOUT: readonly (readonly [beginning: string, about: string])[] = [
  ["to bytes and back", "a value is encoded, as if for another thread, and decoded again, in a single thread"],
  [
    "acquire and release over memory of processes",
    "an object in memory that processes share is acquired and released, and no other process wants it",
  ],
  ["acquire and release", "an object is acquired and released, and no other thread wants it"],
  ["one task", "a pool runs a single task, which doubles a number, and the caller waits for it"],
  ["1000 tasks", "a pool of one worker doubles this many numbers; a bare worker gets all of them in a single message"],
  [
    "put and get over memory of processes",
    "a process puts an item and takes it again, through memory that processes share",
  ],
  ["put and get", "a thread puts an item and takes it again"],
  ["start and end of a process", "a process starts, calls a function that doubles a number, and ends"],
  ["start and end of a thread", "a thread starts, calls a function that doubles a number, and ends"],
  ["round trip of 64 KB", "bytes are sent to a process and back"],
  ["round trip", "a small value is sent to the other side and back"],
  ["set and clear", "an event that nothing waits for is set and cleared"],
  ["wait for what has happened", "a wait for something that has already happened"],
  ["meet", "a single thread waits at a barrier of one party"],
  ["which thread this is", "a thread asks for its own object, its number, or all threads"],
  ["one number", "a single thread reads and writes a shared number"],
  ["sum of", "all numbers of an array in shared memory are added"],
];
/** By the end of the name, if it begins with a number. */
const ENDINGS: readonly (readonly [ending: string, about: string])[] = [
  ["made and given back", "a shared object is made and disposed of at once; a bare buffer is left to the engine"],
  ["items put and then taken", "this many items are in the queue at the same time"],
];

/** What a group does; `undefined` if there is no line for it. */
export function aboutGroup(name: string): string | undefined {
  return (ENDINGS.find(([ending]) => name.endsWith(ending)) ?? ABOUT.find(([beginning]) => name.startsWith(beginning)))
    ?.[1];
}
