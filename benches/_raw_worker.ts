/** The least that a worker can do: answer once. */

(globalThis as unknown as Worker).onmessage = (message: MessageEvent<number>): void => {
  (globalThis as unknown as Worker).postMessage(message.data * 2);
};
