import { obey, type Order } from "./_foreign_worker.ts";

(globalThis as unknown as Worker).onmessage = (message: MessageEvent<Order>) => void obey(message.data);
