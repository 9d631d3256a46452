import { afterEach, vi } from "vitest";
import { stringify } from "yaml";
import { checkClientsIn, checkRegion, checkStack, type Subject } from "../../../../scripts/cli/check/index.ts";
import { terraformStack } from "../../../../scripts/cli/lib/terraform-json.ts";
import { type CheckWorld, region, startCheckWorld } from "../../../fakes/check-world.ts";
import { type HcpTerraformFake, startHcpTerraformFake } from "../../../fakes/hcp-terraform.ts";
import { type SpaceliftFake, startSpaceliftFake } from "../../../fakes/spacelift.ts";
import { load } from "../../../stacks/config/files.ts";
import { synthesizeParsed } from "../../../stacks/synth.ts";

const open: { close(): Promise<void> }[] = [];

/** Closes the worlds of each test. */
export function closeWorlds(): void {
  afterEach(async () => {
    vi.unstubAllEnvs();
    await Promise.all(open.splice(0).map((each) => each.close()));
  });
}

/** The name of a world's fleet. */
export const fleetName = "ci-agents";
/** The worker pool of a fleet on instances. */
export const workerPoolId = "01HCC6QZ932J7WDF4FTVM9QMEP";

/** Values that are right. They must appear nowhere. */
export const values = {
  agentToken: "canary-agent-token",
  notificationToken: "canary0123456789abcdef0123456789abcdef0123456789",
} as const;

/** A world with one fleet and its vendor; all is right, and the fleet is deployed. */
export interface Checked {
  readonly world: CheckWorld;
  readonly hcp: HcpTerraformFake;
  readonly spacelift: SpaceliftFake;
  /** What the config's file says. Change it before {@link run}. */
  config: Record<string, unknown>;
  /** Further variables of the caller's environment. */
  readonly env: Record<string, string>;
  run(): Promise<{
    readonly account: Awaited<ReturnType<typeof checkRegion>>["findings"];
    readonly stack: Awaited<ReturnType<typeof checkStack>>["findings"];
    readonly notes: readonly string[];
  }>;
}

/** Starts a world for one test. */
export async function openWorld(kind: "tasks" | "instances" = "tasks"): Promise<Checked> {
  const world = await startCheckWorld();
  const hcp = await startHcpTerraformFake({ clock: world.clock });
  const spacelift = await startSpaceliftFake({ clock: world.clock });
  open.push(world, hcp, spacelift);
  hcp.state.addPool("aws");
  spacelift.state.addPool(workerPoolId);
  for (const [name, value] of Object.entries(world.env)) vi.stubEnv(name, value);
  for (const part of ["autoscale", "webhook"]) world.functions.add(`${fleetName}-${part}`);
  const secret = (name: string, value: string) => world.kept.secrets.set(`agent-fleets/${fleetName}/${name}`, value);
  secret("agent-token", values.agentToken);
  secret("api-token", hcp.token);
  secret("notification-token", values.notificationToken);
  secret("worker-pool-token", "canary-worker-pool-token");
  secret("pool-private-key", Buffer.from("-----BEGIN PRIVATE KEY-----\ncanary\n").toString("base64"));
  secret("api-key-secret", spacelift.state.secret);
  const checked: Checked = {
    world,
    hcp,
    spacelift,
    env: {},
    config:
      kind === "tasks"
        ? {
            kind: "ecs-fleet",
            region,
            vendor: { type: "hcp-terraform", organization: "acme", agentPool: "aws", address: hcp.url },
            network: { vpcId: "vpc-00000001", subnetIds: ["subnet-0000000a", "subnet-0000000b"] },
          }
        : {
            kind: "ec2-fleet",
            region,
            vendor: { type: "spacelift", workerPoolId, endpoint: spacelift.url, apiKeyId: spacelift.state.keyId },
            compute: { instances: { types: ["m7i.large", "m6i.large"] } },
          },
    async run() {
      const [stack] = load({ [`config/${fleetName}.yaml`]: stringify(checked.config) }).stacks;
      if (stack === undefined) throw new Error("the config is no stack");
      const subject: Subject = {
        stack,
        made: terraformStack(JSON.stringify(synthesizeParsed(stack.config, fleetName))),
      };
      const terminal = { stdout: process.stdout, stderr: process.stderr, stdin: process.stdin, interactive: false };
      const context = { env: { ...world.env, ...checked.env }, cwd: "/", clock: world.clock, terminal };
      const deps = { context, clients: checkClientsIn(region, context.env), knock: world.knock };
      const { account: number, findings: account } = await checkRegion(region, [subject], deps);
      if (number === undefined) return { account, stack: [], notes: [] };
      const { findings, notes } = await checkStack(subject, deps);
      return { account, stack: findings, notes };
    },
  };
  return checked;
}
