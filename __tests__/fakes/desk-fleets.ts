import * as z from "zod";
import type { Policy } from "../../handlers/lib/core/policy.ts";
import { autoscaleEnv } from "../../handlers/lib/settings/autoscale.ts";
import type { PoolSettings } from "../../handlers/lib/settings/pool.ts";
import { settingsTable } from "../../stacks/config/names.ts";
import { policyOf } from "../fixtures/policy.ts";

/** Where a world's agents run: tasks of one pool, of two pools, or instances. */
export type WorldKind = "tasks" | "pools" | "instances";

/** The name of the world's fleet. Another stack's name begins with it. */
export const fleetName = "ci-agents";

/** Where the fleet is deployed. */
export const account = "123456789012";
export const region = "eu-west-1";
export const workflow = `arn:aws:states:${region}:${account}:stateMachine:${fleetName}-retire`;
/** The variable with an agent's name. */
export const nameVariable = "AGENT_NAME";

/** The fleet's config file. */
export const configs: Readonly<Record<WorldKind, string>> = {
  tasks: `kind: ecs-fleet
region: ${region}
vendor: { type: hcp-terraform, organization: acme, agentPool: aws }
alarms: { emails: [ops@example.com] }
`,
  pools: `kind: ecs-fleet
region: ${region}
vendor: { type: azure-devops, organization: acme, webhook: { enabled: true } }
agents: { min: 1, max: 5 }
pools: [{ key: linux, name: Linux }, { key: large, name: Large, max: 2, compute: { cpu: 4096, memoryMiB: 16384 } }]
alarms: { emails: [ops@example.com] }
`,
  instances: `kind: ec2-fleet
region: ${region}
vendor: { type: spacelift, workerPoolId: 01J8ZAMD640000000000000001, endpoint: "https://acme.app.spacelift.io", apiKeyId: 01J8ZAPIKEY00000000000000A }
agents: { min: 1, max: 5 }
alarms: { emails: [ops@example.com] }
`,
};

/** The policy of a fleet whose agents the loop retires. */
export const retiringPolicy = {
  departure: "by-retirement",
  canRetire: true,
  singleUse: false,
  min: 1,
  max: 5,
} as const;

/** What the stack would write into the loop's environment. */
export function environmentOf(kind: WorldKind): Record<string, string> {
  return z.encode(autoscaleEnv, {
    FLEET: fleetName,
    TICK_SECONDS: 10,
    NEXT_LOOKS_QUEUE_URL: `https://sqs.${region}.amazonaws.com/${account}/${fleetName}-next-looks`,
    SETTINGS_TABLE: settingsTable(fleetName),
    STATE_TABLE: `${fleetName}-state`,
    API_TOKEN_SECRET_ARN: `arn:aws:secretsmanager:${region}:${account}:secret:agent-fleets/${fleetName}/api-token-AbCdEf`,
    ...(kind !== "tasks" && { RETIREMENTS: { workflow, drainTimeoutSeconds: 86_400 } }),
    ...(kind === "pools" && { POOLS: ["linux", "large"] }),
  }) as Record<string, string>;
}

/** What the stack would write into the table of settings, by the pool's key. */
export function settingsOf(
  kind: WorldKind,
  changes: Partial<Policy>,
): readonly (readonly [string | undefined, PoolSettings])[] {
  const policy = policyOf({ ...(kind !== "tasks" && retiringPolicy), ...changes });
  switch (kind) {
    case "tasks":
      return [[undefined, { policy, vendor: hcpTerraform, capacity: tasks }]];
    case "instances":
      return [[undefined, { policy, vendor: spacelift, capacity: group }]];
    case "pools":
      return [
        ["linux", { policy, vendor: azureDevOps, capacity: { ...tasks, taskDefinition: `${fleetName}_linux:3` } }],
        [
          "large",
          {
            policy: { ...policy, max: 2 },
            vendor: { ...azureDevOps, pool: { name: "Large" } },
            capacity: { ...tasks, taskDefinition: `${fleetName}_large:1` },
          },
        ],
      ];
  }
}

const tasks = {
  type: "ecs" as const,
  cluster: `arn:aws:ecs:${region}:${account}:cluster/${fleetName}`,
  taskDefinition: `${fleetName}:3`,
  container: "agent",
  capacityProviders: ["FARGATE"],
  subnets: ["subnet-a"],
  securityGroups: ["sg-1"],
  assignPublicIp: "false",
  enableExecuteCommand: false,
  nameVariable,
};

const group = { type: "asg" as const, group: fleetName, hook: "agent-fleets-retire", bootSeconds: 1200 };

const hcpTerraform = {
  type: "hcp-terraform" as const,
  organization: "acme",
  agentPool: "aws",
  address: "https://app.terraform.io",
  demand: "api" as const,
};

const spacelift = {
  type: "spacelift" as const,
  endpoint: "https://acme.app.spacelift.io",
  apiKeyId: "01J8ZAPIKEY00000000000000A",
  workerPoolId: "01J8ZAMD640000000000000001",
  group: fleetName,
};

const azureDevOps = {
  type: "azure-devops" as const,
  url: "https://dev.azure.com/acme",
  auth: { type: "pat" as const },
  pool: { name: "Linux" },
  capabilities: {},
  placeholder: fleetName,
};
