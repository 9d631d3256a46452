import * as z from "zod";
import type { Policy } from "../../handlers/lib/core/policy.ts";
import { autoscaleEnv } from "../../handlers/lib/settings/autoscale.ts";
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
export function environmentOf(kind: WorldKind, changes: Partial<Policy>): Record<string, string> {
  const secret = `arn:aws:secretsmanager:${region}:${account}:secret:agent-fleets/${fleetName}/api-token-AbCdEf`;
  const common = {
    FLEET: fleetName,
    TICK_SECONDS: 10,
    STATE_TABLE: `${fleetName}-state`,
    API_TOKEN_SECRET_ARN: secret,
  };
  const retiring = {
    POLICY: policyOf({ ...retiringPolicy, ...changes }),
    RETIREMENTS: { workflow, drainTimeoutSeconds: 86_400 },
  };
  const encoded = {
    tasks: () =>
      z.encode(autoscaleEnv, { ...common, POLICY: policyOf(changes), VENDOR: hcpTerraform, CAPACITY: tasks }),
    pools: () => z.encode(autoscaleEnv, { ...common, ...retiring, VENDOR: azureDevOps, CAPACITY: tasks, POOLS: pools }),
    instances: () => z.encode(autoscaleEnv, { ...common, ...retiring, VENDOR: spacelift, CAPACITY: group }),
  }[kind]();
  return encoded as Record<string, string>;
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

const pools = [
  { pool: "linux", policy: {}, vendor: {}, capacity: { taskDefinition: `${fleetName}_linux:3` } },
  {
    pool: "large",
    policy: { max: 2 },
    vendor: { pool: { name: "Large" } },
    capacity: { taskDefinition: `${fleetName}_large:1` },
  },
];
