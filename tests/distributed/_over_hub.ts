/** Pools and agents over an engine that the test controls. */

import { BasePool } from "../../_internal/pool/pool.ts";
import type { PoolOptions } from "../../_internal/pool/pool_options.ts";
import { Agent, type AgentOptions } from "../../distributed/_agent.ts";
import { Driver, type DriverOptions } from "../../distributed/_driver.ts";
import { FleetFunctions } from "../../distributed/_fleet_functions.ts";
import { threadWorkers } from "../../threading/pool.ts";
import type { Hub, HubEngine } from "./_hub.ts";
import { root } from "./_fleet.ts";

/** A pool whose agents are found over a hub. */
export class HubPool extends BasePool {
  engine!: HubEngine;

  constructor(hub: Hub, options?: PoolOptions, more: Partial<DriverOptions> = {}) {
    const made: { engine?: HubEngine } = {};
    super(
      {
        scope: "network",
        label: "HubPool",
        own: ({ asked, name, trace, initializer, maxTasks, maxMemory, concurrency }) => {
          const workers = { initializer, initargs: new Uint8Array(), maxTasks, maxMemory, concurrency };
          return new Driver({
            connect: () => Promise.resolve(made.engine = hub.connect()),
            fleet: "default",
            functions: new FleetFunctions(root, true, workers),
            most: asked,
            window: undefined,
            lease: 1000,
            agentTimeout: 10_000,
            engineTimeout: 10_000,
            command: "serve()",
            name,
            trace,
            ...more,
          });
        },
      },
      undefined,
      options,
    );
    // With the first call.
    void this.warm().catch(() => {});
    void Promise.resolve().then(() => this.engine = made.engine!);
  }
}

let agents = 0;

/** An agent of threads. */
export function agentOver(hub: Hub, options: Partial<AgentOptions> = {}): { agent: Agent; engine: HubEngine } {
  const engine = hub.connect();
  const agent = new Agent(engine, {
    name: `agent-${++agents}`,
    host: "here",
    pid: agents,
    root,
    slots: 2,
    inline: true,
    labels: {},
    own: threadWorkers,
    ...options,
  });
  return { agent, engine };
}
