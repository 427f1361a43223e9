/** What the groups of the short benches do, in a line each. The names of their contestants are the calls themselves. */

/** By how the name of a group begins; the first that fits is taken. */
const ABOUT: readonly (readonly [beginning: string, about: string])[] = [
  ["to bytes and back", "a value is encoded as it is for another thread, and decoded again, all in one thread"],
  [
    "acquire and release over memory of processes",
    "what can be acquired is in memory that processes share, and nothing else wants it",
  ],
  ["acquire and release", "what can be acquired is acquired and released, and no other thread wants it"],
  ["one task", "a pool has one task to do, which doubles a number, and the caller waits for it"],
  ["1000 tasks", "a pool of one worker doubles as many numbers; a bare worker gets all of them in one message"],
  [
    "put and get over memory of processes",
    "an item is put and taken again by one process, through memory that processes share",
  ],
  ["put and get", "an item is put and taken again by one thread"],
  ["start and end of a process", "a process is started, calls a function that doubles a number, and has ended"],
  ["start and end of a thread", "a thread is started, calls a function that doubles a number, and has ended"],
  ["round trip of 64 KB", "bytes are sent to a process and come back"],
  ["round trip", "a small value is sent and comes back"],
  ["set and clear", "an event that nothing waits for is set and cleared"],
  ["wait for what has happened", "what is waited for is there already"],
  ["meet", "one thread alone meets at a barrier of one party"],
  ["which thread this is", "a thread asks for itself, its number, or all threads"],
  ["one number", "a shared number is read and written by one thread"],
  ["sum of", "all numbers of an array in shared memory are added up"],
];
/** By how the name ends, where it begins with a number. */
const ENDINGS: readonly (readonly [ending: string, about: string])[] = [
  ["made and given back", "something shared is made and disposed of at once; a bare buffer is left to the engine"],
  ["items put and then taken", "so many items are in the queue at the same time"],
];

/** What a group does; `undefined` where that is not told. */
export function aboutGroup(name: string): string | undefined {
  return (ENDINGS.find(([ending]) => name.endsWith(ending)) ?? ABOUT.find(([beginning]) => name.startsWith(beginning)))
    ?.[1];
}
