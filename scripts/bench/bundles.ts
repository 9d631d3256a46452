import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleHandlers, type HandlerName, handlerNames } from "../../stacks/constructs/bundle.ts";
import { type Figure, median } from "./figure.ts";

const goals: Readonly<Partial<Record<HandlerName, { kilobytes: number; initMs: number }>>> = {
  autoscale: { kilobytes: 1000, initMs: 150 },
};

const vendor = JSON.stringify({
  type: "hcp-terraform",
  organization: "acme",
  agentPool: "aws",
  address: "https://app.terraform.io",
  demand: "api",
});

/** What the functions need to start as deployed; nothing of it is called. */
const environment = {
  AWS_REGION: "us-west-2",
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
  FLEET: "bench",
  VENDOR: vendor,
  TICK_SECONDS: "10",
  POLICY: JSON.stringify({
    min: 0,
    max: 10,
    buffer: 0,
    scaleOutCooldownSeconds: 0,
    scaleInCooldownSeconds: 60,
    maxAddedPerTick: 50,
    maxRemovedPerTick: 10,
    registrationGraceSeconds: 300,
    maxFailedLaunchesPerHour: 20,
    departure: "by-itself",
  }),
  CAPACITY: JSON.stringify({
    cluster: "arn:aws:ecs:us-west-2:000000000000:cluster/bench",
    family: "bench",
    taskDefinition: "bench:1",
    container: "agent",
    capacityProviders: ["FARGATE"],
    subnets: "subnet-1",
    securityGroups: ["sg-1"],
    assignPublicIp: "false",
    enableExecuteCommand: false,
    nameVariable: "TFC_AGENT_NAME",
  }),
  API_TOKEN_SECRET_ARN: "arn:aws:secretsmanager:us-west-2:000000000000:secret:api",
  NOTIFICATION_SECRET_ARN: "arn:aws:secretsmanager:us-west-2:000000000000:secret:key",
  AUTOSCALE_FUNCTION_NAME: "bench-autoscale",
};

/** Size of each deployed bundle and its cold init: importing it in a fresh node process, timed inside that process. */
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
          value: bundles[name].byteLength / 1000,
          unit: "kB",
          ...(goal && { goal: { value: goal.kilobytes } }),
        },
        {
          what: `${name} cold init`,
          value: median(Array.from({ length: 9 }, () => coldInit(file))),
          unit: "ms",
          ...(goal && { goal: { value: goal.initMs } }),
        },
      ];
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function coldInit(file: string): number {
  const script = `const start = performance.now();
    const { handler } = await import(${JSON.stringify(pathToFileURL(file).href)});
    if (typeof handler !== "function") throw new Error("no handler");
    process.stdout.write(String(performance.now() - start));`;
  const output = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    env: { PATH: process.env.PATH, ...environment },
    encoding: "utf8",
  });
  return Number(output);
}
