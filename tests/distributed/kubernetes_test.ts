/**
 * The files for Kubernetes: each is what its schema says, and they agree with each other, with the agent's command line and with what
 * the queue is called.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { ScaledObject } from "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { devServer, Pool } from "@weft/concurrent/distributed";
import { Deployment } from "kubernetes-models/apps/v1/Deployment";
import { ConfigMap } from "kubernetes-models/v1/ConfigMap";
import { Secret } from "kubernetes-models/v1/Secret";
import { Service } from "kubernetes-models/v1/Service";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";
import { findServer } from "../../distributed/_nats_server.ts";
import { range } from "../pool/_helpers.ts";
import { until } from "../suites/_until.ts";
import { isDeno } from "../_runtime.ts";
import { commandOf, Fleet, Program, root } from "./_fleet.ts";
import { folder, notes } from "./_notes.ts";
import * as targets from "./_targets.ts";

const LIMIT = { timeout: 60_000 };
const PLACE = new URL("examples/distributed/kubernetes/", root);
const AGENT = "jsr:@weft/concurrent/agent";
/** Seconds that an agent takes at most, after `--grace`, to end its workers, to report, and to say goodbye. */
const GOODBYE = 12;

/** The classes of the documents, and the modules that have their types. */
const KINDS = {
  "v1 Secret": [Secret, "kubernetes-models/v1/Secret"],
  "v1 ConfigMap": [ConfigMap, "kubernetes-models/v1/ConfigMap"],
  "v1 Service": [Service, "kubernetes-models/v1/Service"],
  "apps/v1 Deployment": [Deployment, "kubernetes-models/apps/v1/Deployment"],
  "keda.sh/v1alpha1 ScaledObject": [ScaledObject, "@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject"],
} as const;

type Document = { apiVersion: string; kind: string; metadata: { name: string } };

function textOf(file: string): string {
  return readFileSync(new URL(file, PLACE), "utf8");
}

function documentsOf(file: string): Document[] {
  return parseAllDocuments(textOf(file)).map((document) => {
    assertEquals([...document.errors, ...document.warnings], [], file);
    return document.toJS() as Document;
  });
}

const files = ["agents.yaml", "scaler.yaml", "server.yaml"];
const all = files.flatMap(documentsOf);

function kindOf({ apiVersion, kind }: Document): typeof KINDS[keyof typeof KINDS] {
  const known = KINDS[`${apiVersion} ${kind}` as keyof typeof KINDS];
  assert(known !== undefined, `${apiVersion} ${kind}`);
  return known;
}

/** The only document of that kind and name. */
function find<T>(Type: new (data: never) => T & { kind: string }, name: string): T {
  const found = all.filter(({ kind, metadata }) => kind === Type.name && metadata.name === name);
  assertEquals(found.length, 1, `${Type.name} ${name}`);
  return new Type(found[0] as never);
}

const agents = find(Deployment, "weft-agents");
const pod = agents.spec!.template.spec!;
const agent = pod.containers[0]!;
const scaler = find(ScaledObject, "weft-agents");
const trigger = scaler.spec.triggers[0]!.metadata;
const server = find(Deployment, "weft-nats");
const nats = server.spec!.template.spec!.containers[0]!;
/** What the downward API makes of the limit, which is a whole number here. */
const slots = Number(agent.resources!.limits!.cpu);

/** What comes after the agent's module, with what Kubernetes puts in. */
function argumentsOf(args: readonly string[]): string[] {
  const from = args.indexOf(AGENT);
  assert(from > 0, args.join(" "));
  return args.slice(from + 1).map((each) => each.replace("$(SLOTS)", String(slots)));
}

function valueOf(args: readonly string[], option: string): string {
  assert(args.includes(option), `${option} in ${args.join(" ")}`);
  return args[args.indexOf(option) + 1]!;
}

/** Runs an agent with these arguments, below this repository, until it serves. What it says then. */
async function serveWith(args: readonly string[]): Promise<string> {
  const program = fileURLToPath(new URL("distributed/agent.ts", root));
  await using server = await devServer();
  const own = args.map((each) => each === "/app" ? fileURLToPath(root) : each);
  const running = new Program([...commandOf(program), ...own], { WEFT_CONNECT: server.url });
  let isOver = false;
  void running.ended.then(() => isOver = true);
  await until(() => isOver || /^Serving/m.test(running.output), "the agent serves");
  running.signal("SIGTERM");
  assertEquals(await running.ended, 0, running.output);
  return running.output;
}

describe("each document", () => {
  it("is valid by its schema", LIMIT, () => {
    for (const document of all) new (kindOf(document)[0])(document as never).validate();
  });

  // The schemas let unknown names through, which the types do not.
  it("has no names that Kubernetes does not know", { ...LIMIT, skip: !isDeno }, () => {
    const lines = all.map((document, index) => {
      const [Type, module] = kindOf(document);
      const type = `import("${module}").I${Type.name}`;
      return `export const _${index}: ${type} = ${JSON.stringify(document, null, 1)};`;
    });
    const file = `${folder}/documents.ts`;
    writeFileSync(file, lines.join("\n"));
    const config = fileURLToPath(new URL("deno.json", root));
    const { status, stderr } = spawnSync(process.execPath, ["check", "--no-lock", "--config", config, file], {
      encoding: "utf8",
    });
    assertEquals(status, 0, stderr);
  });

  it("has a name of its own among those of its kind", LIMIT, () => {
    assertEquals(new Set(all.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).size, all.length);
  });
});

describe("the agents", () => {
  it("are started by a command line that they know, with a slot for each processor of the limit", LIMIT, async () => {
    assert(Number.isInteger(slots), `${slots} processors`);
    const { valueFrom } = agent.env!.find(({ name }) => name === "SLOTS")!;
    assertEquals(valueFrom!.resourceFieldRef, { containerName: agent.name, resource: "limits.cpu" });
    const said = await serveWith(argumentsOf(agent.args!));
    assertMatch(said, new RegExp(`Serving fleet "default" .* with ${slots} processes`));
  });

  it("have the same root in the image, which starts one by itself", LIMIT, async () => {
    const dockerfile = textOf("Dockerfile");
    const command = JSON.parse(/^CMD (.*)$/m.exec(dockerfile)![1]!) as string[];
    const args = argumentsOf(command);
    assertMatch(await serveWith(args), /Serving fleet "default"/);
    assertEquals(valueOf(args, "--root"), valueOf(agent.args!, "--root"));
    const lines = dockerfile.split("\n");
    assert(lines.includes(`WORKDIR ${valueOf(args, "--root")}`), "the root is the image's folder");
    assert(lines.includes(`USER ${pod.securityContext!.runAsUser}`), "the user is the image's");
  });

  it("have time for what they have begun", LIMIT, () => {
    const grace = Number(valueOf(agent.args!, "--grace"));
    const least = grace + GOODBYE;
    assert(pod.terminationGracePeriodSeconds! >= least, `${pod.terminationGracePeriodSeconds} s, and not ${least}`);
  });

  it("find the server, and its password", LIMIT, () => {
    const { value } = agent.env!.find(({ name }) => name === "WEFT_CONNECT")!;
    const service = find(Service, "weft-nats");
    const port = service.spec!.ports!.find(({ name }) => name === "client")!;
    // The server takes the variable from its environment, and not from its command line.
    const [, user] = /user: (\w+), password: \$PASSWORD /.exec(find(ConfigMap, "weft-nats").data!["nats.conf"]!)!;
    assertEquals(value, `nats://${user}:$(PASSWORD)@${service.metadata!.name}:${port.port}`);
    const secret = find(Secret, "weft-nats");
    for (const { env } of [agent, nats]) {
      const { name, key } = env!.find(({ name }) => name === "PASSWORD")!.valueFrom!.secretKeyRef!;
      assertEquals(name, secret.metadata!.name);
      assert(key in secret.stringData!);
    }
  });

  it("and the server run with as few rights as the strictest of the profiles demands", LIMIT, () => {
    for (const { spec } of [agents, server]) {
      const { securityContext, containers } = spec!.template.spec!;
      assertEquals(securityContext!.runAsNonRoot, true);
      assertEquals(securityContext!.seccompProfile, { type: "RuntimeDefault" });
      for (const { securityContext } of containers) {
        assertEquals(securityContext!.allowPrivilegeEscalation, false);
        assertEquals(securityContext!.capabilities, { drop: ["ALL"] });
      }
    }
  });
});

describe("the server", () => {
  it("takes its configuration", LIMIT, async () => {
    const config = find(ConfigMap, "weft-nats");
    const [name, text] = Object.entries(config.data!)[0]!;
    const [mount] = nats.volumeMounts!.filter(({ name }) => name === "config");
    assertEquals(valueOf(nats.args!, "--config"), `${mount!.mountPath}/${name}`);
    const file = `${folder}/nats.conf`;
    writeFileSync(file, text);
    const args = nats.args!.map((each) => each.replace(`${mount!.mountPath}/${name}`, file));
    const { status, stderr } = spawnSync(await findServer(folder), ["-t", ...args], {
      encoding: "utf8",
      env: { PASSWORD: "secret" },
    });
    assertEquals(status, 0, stderr);
    for (const { containerPort } of nats.ports!) assertMatch(text, new RegExp(`port: ${containerPort}$`, "m"));
  });

  it("is behind a service that has its ports", LIMIT, () => {
    const { selector, ports } = find(Service, "weft-nats").spec!;
    assertEquals(selector, server.spec!.template.metadata!.labels);
    for (const { name, port, targetPort } of ports!) {
      assertEquals(nats.ports!.find((each) => each.name === targetPort)!.containerPort, port, name);
    }
  });
});

describe("the scaler", () => {
  it("scales the agents, by as many tasks as one of them has slots", LIMIT, () => {
    assertEquals(scaler.spec.scaleTargetRef.name, agents.metadata!.name);
    assertEquals(agents.spec!.replicas, undefined);
    assertEquals(trigger.lagThreshold, String(slots));
    assertEquals(trigger.stream, `WEFT_${valueOf(agent.args!, "--fleet")}`);
    const { metadata, spec } = find(Service, "weft-nats");
    const { port } = spec!.ports!.find(({ name }) => name === "monitor")!;
    assertMatch(trigger.natsServerMonitoringEndpoint!, new RegExp(`^${metadata!.name}\\..*\\.svc\\..*:${port}$`));
    const window = 2 * slots * scaler.spec.maxReplicaCount!;
    assert(textOf("scaler.yaml").includes(`here ${window}:`), `here ${window} in scaler.yaml`);
    const docs = readFileSync(new URL("docs/distributed.md", root), "utf8");
    assert(docs.includes(`window: ${window},`), `window: ${window} in docs/distributed.md`);
  });

  it("counts the tasks that wait while no agent is there, and not the running tasks", LIMIT, async () => {
    await using fleet = await Fleet.start();
    const { host, username: token } = new URL(fleet.url);
    const connection = await connect({ servers: host, token });
    try {
      const { consumers } = await jetstreamManager(connection);
      // By the names that are in the file: what KEDA adds up.
      const lag = async (): Promise<number> => {
        const { num_pending, num_ack_pending } = await consumers.info(trigger.stream!, trigger.consumer!);
        return num_pending + num_ack_pending;
      };
      const whenLag = async (wanted: () => number): Promise<void> => {
        for (const end = performance.now() + 20_000; await lag() !== wanted();) {
          assert(performance.now() < end, `${await lag()} tasks, and not ${wanted()}`);
        }
      };
      await using pool = new Pool({ connect: fleet.url, root, window: 4, agentTimeout: 60_000 });
      const { file, lines } = notes();
      const enough = new AbortController();
      const futures = range(6).map(() => pool.apply(targets.spin, [file, true], { signal: enough.signal }));
      for (const future of futures) future.catch(() => {});
      // The pool makes the queue.
      await pool.agents();
      await whenLag(() => 4);
      fleet.add({ slots: 2 });
      await until(() => lines().length === 2, "two run");
      await whenLag(() => 4 - pool.stats().busy);
      assert(pool.stats().busy >= 2);
      enough.abort(new EvalError("enough"));
      await whenLag(() => 0);
    } finally {
      await connection.close();
    }
  });
});
