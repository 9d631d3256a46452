import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as z from "zod";
import { autoscaleEnv } from "../../handlers/lib/settings/autoscale.ts";
import { releaseEnv } from "../../handlers/lib/settings/release.ts";
import { retireEnv } from "../../handlers/lib/settings/retire.ts";
import { webhookEnv } from "../../handlers/lib/settings/webhook.ts";
import { bundleHandlers, bundleOf, type HandlerName, handlerNames } from "../../stacks/constructs/functions/bundle.ts";
import { type Figure, median } from "./figure.ts";
import { alternately } from "./measure.ts";

const goals: Readonly<Record<HandlerName, { kilobytes: number; initMs: number; mebibytes: number }>> = {
  autoscale: { kilobytes: 1000, initMs: 150, mebibytes: 128 },
  release: { kilobytes: 1000, initMs: 150, mebibytes: 128 },
  retire: { kilobytes: 1000, initMs: 150, mebibytes: 128 },
  webhook: { kilobytes: 1000, initMs: 150, mebibytes: 128 },
};

const FLEET = "bench";
const AWS = "us-west-2:000000000000";
const retirements = { workflow: `arn:aws:states:${AWS}:stateMachine:bench-retire`, drainTimeoutSeconds: 21_600 };
const API_TOKEN_SECRET_ARN = `arn:aws:secretsmanager:${AWS}:secret:api`;

/** The environment of each function in a fleet that has all of them. The functions start, but call nothing. */
const environments: Readonly<Record<HandlerName, Readonly<Record<string, string | undefined>>>> = {
  autoscale: z.encode(autoscaleEnv, {
    FLEET,
    TICK_SECONDS: 10,
    STATE_TABLE: "bench-state",
    SETTINGS_TABLE: "bench-settings",
    NEXT_LOOKS_QUEUE_URL: "https://sqs.us-east-1.amazonaws.com/000000000000/ci-next-looks",
    RETIREMENTS: retirements,
    API_TOKEN_SECRET_ARN,
  }),
  release: z.encode(releaseEnv, { FLEET, GROUP: [FLEET], RETIREMENTS: retirements }),
  retire: z.encode(retireEnv, { FLEET, SETTINGS_TABLE: "bench-settings", GROUP: [FLEET], API_TOKEN_SECRET_ARN }),
  webhook: z.encode(webhookEnv, {
    FLEET,
    VENDOR: {
      type: "hcp-terraform",
      organization: "acme",
      agentPool: "aws",
      address: "https://app.terraform.io",
      demand: "api",
    },
    NOTIFICATION_SECRET_ARN: `arn:aws:secretsmanager:${AWS}:secret:key`,
    AUTOSCALE_FUNCTION_NAME: "bench-autoscale",
  }),
};

/**
 * The clients of AWS that the loop makes at its start, and nothing else: what a function of this kind takes at least.
 */
const clientsAlone = `
import { DynamoDBClient, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
const clients = [new DynamoDBClient({}), new SFNClient({})];
export const handler = async () => [
  await clients[0].send(new GetItemCommand({})),
  await clients[1].send(new StartExecutionCommand({})),
];`;

/** Each deployed bundle: its size, and the processor time and the memory of a new process of Node that imports it. */
export async function measureBundles(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-bench-"));
  try {
    const codes = { ...(await bundleHandlers()), clients: await bundleOf(clientsAlone) };
    const starts = Object.entries(codes).map(([name, code]) => {
      const file = join(folder, `${name}.mjs`);
      writeFileSync(file, code);
      const environment = name === "clients" ? {} : environments[name as HandlerName];
      return { name, code, start: () => startOf(file, environment) };
    });
    const memory: Record<string, number[]> = {};
    const milliseconds = await alternately(
      9,
      Object.fromEntries(
        starts.map(({ name, start }) => [
          name,
          () => {
            const { ms, MiB } = start();
            memory[name] = [...(memory[name] ?? []), MiB];
            return ms;
          },
        ]),
      ),
    );
    const kilobytes = (name: keyof typeof codes) => Buffer.byteLength(codes[name]) / 1000;
    const mebibytes = (name: string) => median(memory[name] ?? []);
    const what = "two clients of AWS alone";
    return handlerNames.flatMap((name): Figure[] => {
      const goal = goals[name];
      return [
        {
          what: `${name} bundle`,
          value: kilobytes(name),
          unit: "kB",
          baseline: { what, value: kilobytes("clients") },
          goal: { value: goal.kilobytes },
        },
        {
          what: `${name} cold init`,
          value: milliseconds[name] ?? Number.NaN,
          unit: "ms",
          baseline: { what, value: milliseconds.clients ?? Number.NaN },
          goal: { value: goal.initMs },
        },
        {
          what: `${name} memory after init`,
          value: mebibytes(name),
          unit: "MiB",
          baseline: { what, value: mebibytes("clients") },
          goal: { value: goal.mebibytes },
        },
      ];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Processor time of the import, and what the process then has in memory, Node's own part included. */
function startOf(file: string, environment: Readonly<Record<string, string | undefined>>) {
  const script = `const start = process.cpuUsage();
    const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
    if (typeof handler !== "function") throw new Error("no handler");
    const { user, system } = process.cpuUsage(start);
    const MiB = process.memoryUsage.rss() / 2 ** 20;
    process.stdout.write(JSON.stringify({ ms: (user + system) / 1000, MiB }));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    env: {
      PATH: process.env.PATH,
      AWS_REGION: "us-west-2",
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      ...environment,
    },
    encoding: "utf8",
  });
  return JSON.parse(output) as { readonly ms: number; readonly MiB: number };
}
