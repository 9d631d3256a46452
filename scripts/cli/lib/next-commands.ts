import { buildsImage } from "../../../stacks/config/compute/image-build.ts";
import { type LoadedStack, loadStacks } from "../../../stacks/config/load.ts";
import type { Context } from "./context.ts";
import { listSecrets } from "./secret-list.ts";
import { secretsOf } from "./stack-secrets.ts";
import type { SynthesizedStack } from "./synthesized.ts";
import { readTerraformStack } from "./terraform-json.ts";

/** How this person calls `fleet`. */
export function programFor({ env }: Pick<Context, "env">): string {
  return env.npm_lifecycle_event === "fleet" ? "npm run fleet --" : "fleet";
}

/**
 * The commands that make work of stacks that were just deployed: for each fleet its image, if the stack builds one, its
 * secrets that have no value yet, and a look at it. Asks AWS for the secrets; without an answer, `secret list` is the
 * command. Never throws: the deploy has succeeded.
 */
export async function afterDeploy(context: Context, deployed: readonly SynthesizedStack[]): Promise<readonly string[]> {
  const program = programFor(context);
  const lists = await Promise.all(
    deployed.map(async (synthesized) => {
      const stack = configOf(context, synthesized.name);
      if (stack === undefined) return [];
      const { name, config } = stack;
      if (config.kind === "machine-image") return [`image build ${name}`];
      if (config.kind !== "ecs-fleet" && config.kind !== "ec2-fleet") return [];
      const image = config.kind === "ecs-fleet" && buildsImage(config) ? [`image build ${name}`] : [];
      return [...image, ...(await secretCommands(context, stack, synthesized)), `status ${name}`];
    }),
  );
  return lists.flat().map((each) => `${program} ${each}`);
}

function configOf(context: Context, name: string): LoadedStack | undefined {
  try {
    return loadStacks(context).stacks.find((stack) => stack.name === name);
  } catch {
    return undefined;
  }
}

/** For secrets that the stack has made: one that is given exists without it. */
async function secretCommands(context: Context, stack: LoadedStack, made: SynthesizedStack): Promise<string[]> {
  const own = new Set(
    [...readTerraformStack(made).resources("aws_secretsmanager_secret").values()].map(({ name }) => name),
  );
  const secrets = secretsOf(stack).filter(({ id, variable }) => own.has(id) && variable === undefined);
  if (secrets.length === 0) return [];
  try {
    const rows = await listSecrets(secrets, context.clock.now());
    if (rows.some(({ error }) => error !== null)) return [`secret list ${stack.name}`];
    return rows.filter((row) => row.has_value === false).map(({ secret }) => commandFor(secret, stack));
  } catch {
    return [`secret list ${stack.name}`];
  }
}

/** HCP Terraform shows an agent token once, when it is made: the command that makes it also stores it. */
function commandFor(secret: string, { name, config }: LoadedStack): string {
  const isMadeHere = "vendor" in config && config.vendor?.type === "hcp-terraform" && secret === "agent-token";
  return isMadeHere ? `hcp token create --store ${name} --create-pool` : `secret set ${name} ${secret}`;
}
