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
import { bundleHandlers, type HandlerName, handlerNames } from "../../stacks/constructs/functions/bundle.ts";
import { type Figure, median } from "./figure.ts";

const goals: Readonly<Partial<Record<HandlerName, { kilobytes: number; initMs: number }>>> = {
  autoscale: { kilobytes: 1000, initMs: 150 },
  release: { kilobytes: 1000, initMs: 150 },
  retire: { kilobytes: 1000, initMs: 150 },
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

/** Size of each deployed bundle, and its cold init: a new node process imports it and measures the time. */
export async function measureBundles(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-bench-"));
  try {
    const bundles = await bundleHandlers();
    return handlerNames.flatMap((name): Figure[] => {
      const file = join(folder, `${name}.mjs`);
      writeFileSync(file, bundles[name]);
      const goal = goals[name];
      return [
        {
          what: `${name} bundle`,
          value: Buffer.byteLength(bundles[name]) / 1000,
          unit: "kB",
          ...(goal && { goal: { value: goal.kilobytes } }),
        },
        {
          what: `${name} cold init`,
          value: median(Array.from({ length: 9 }, () => coldInit(file, environments[name]))),
          unit: "ms",
          ...(goal && { goal: { value: goal.initMs } }),
        },
      ];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function coldInit(file: string, environment: Readonly<Record<string, string | undefined>>): number {
  const script = `const start = performance.now();
    const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
    if (typeof handler !== "function") throw new Error("no handler");
    process.stdout.write(String(performance.now() - start));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    env: {
      PATH: process.env.PATH,
      AWS_REGION: "us-west-2",
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
      ...environment,
    },
    encoding: "utf8",
  });
  return Number(output);
}
