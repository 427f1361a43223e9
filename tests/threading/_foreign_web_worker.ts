import { obey, type Order } from "./_foreign_worker.ts";

globalThis.onmessage = (message: MessageEvent<Order>) => void obey(message.data);
