import type { FakePool } from "../fakes/hcp-terraform/state.ts";
import type { HcpTerraformFake } from "../fakes/hcp-terraform.ts";
import { type Agents, createAgents } from "./agents.ts";
import type { Deployment } from "./deployment.ts";
import { createOperator, type Operator } from "./operator.ts";

/** An operator of HCP Terraform fleets, who also plays their agents. */
export interface HcpOperator extends Operator {
  poolOf(name: string): FakePool;
  /** The agents of a pool, whose tasks are in a cluster. */
  agentsOf(pool: string, cluster?: string): Agents;
}

/** An operator of all deployed stacks. `apiToken` is the token that HCP Terraform accepts. */
export function createHcpOperator(
  deployment: Deployment,
  { hcp, region, apiToken }: { readonly hcp: HcpTerraformFake; readonly region: string; readonly apiToken: string },
): HcpOperator {
  const { front, moto } = deployment;
  const { state } = hcp;
  const operator: HcpOperator = {
    ...createOperator(deployment, { region, env: { TFE_ADDRESS: hcp.url, TOKEN: apiToken } }),
    poolOf(name) {
      const pool = [...state.pools.values()].find((candidate) => candidate.name === name);
      if (!pool) throw new Error(`no pool ${name}`);
      return pool;
    },
    agentsOf(pool, cluster = pool) {
      const agents = createAgents({ endpoint: moto.url, region, cluster, pool: operator.poolOf(pool), state });
      front.onTaskStarted = agents.taskStarted;
      return agents;
    },
  };
  return operator;
}
