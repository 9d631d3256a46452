import { imageVariables, mergeCapabilities } from "../../handlers/lib/settings/vendors/azure-devops-agent.ts";
import { computeOf, type PoolConfig } from "../config/pools.ts";
import { type Escaped, plainText, terraformTexts } from "../constructs/terraform-text.ts";
import type { FleetOf } from "./vendor-synth.ts";

type Fleet = FleetOf<"azure-devops">;
type Pool = Escaped<PoolConfig>;

/** Name of a capability → its value. */
type Capabilities = Readonly<Record<string, string>>;

const architectures = { x86_64: "X64", arm64: "ARM64" } as const;

/** Names of variables, parted by commas, that the agent does not publish. */
const ignoreVariable = "VSO_AGENT_IGNORE";

/** The agent publishes no variable as long as this, and never these; start.sh keeps the last kind to itself. */
const tooLong = 1024;
const neverPublished =
  /^(?:comp_wordbreaks|ls_colors|TERM|TERM_PROGRAM|TERM_PROGRAM_VERSION|SHLVL|VSTS_AGENT_INPUT_.*)$/;

/**
 * The variables that keep an agent from publishing secrets: it would show every variable to everyone who sees its pool.
 * https://github.com/microsoft/azure-pipelines-agent/blob/master/src/Microsoft.VisualStudio.Services.Agent/Capabilities/EnvironmentCapabilitiesProvider.cs
 */
export function ignoredVariables(fleet: Fleet, pool: Pool | undefined): Readonly<Record<string, string>> {
  const names = unpublished(fleet, pool);
  return names.length > 0 ? { [ignoreVariable]: names.join(",") } : {};
}

function unpublished(fleet: Fleet, pool: Pool | undefined): readonly string[] {
  const { environment, secrets } = computeOf(fleet.compute, pool);
  const given = (environment[ignoreVariable] ?? "").split(",").map((name) => name.trim());
  return [...given.filter((name) => name !== ""), ...Object.keys(secrets)];
}

/**
 * What jobs may demand of the agents of a pool besides what every agent offers: the variables that are published, and
 * what the config says.
 */
function capabilitiesOf(fleet: Fleet, pool: Pool | undefined): Capabilities {
  const { architecture, environment } = computeOf(fleet.compute, pool);
  const hidden = [ignoreVariable, ...unpublished(fleet, pool)];
  const published = Object.entries({ ...terraformTexts(imageVariables), ...environment }).filter(
    ([name, value]) => !hidden.includes(name) && !neverPublished.test(name) && plainText(value).length < tooLong,
  );
  return mergeCapabilities<string>(
    Object.fromEntries(published),
    { "Agent.OSArchitecture": architectures[architecture] },
    fleet.vendor.capabilities,
    pool?.capabilities ?? {},
  );
}

/**
 * The capabilities of a fleet as they travel: `common` to all its pools, and of each pool what it has besides. A Lambda's
 * environment is too small to say the same thing for every pool.
 */
export function fleetCapabilities(fleet: Fleet): { readonly common: Capabilities; own(pool: Pool): Capabilities } {
  const all = (fleet.pools ?? [undefined]).map((pool) => capabilitiesOf(fleet, pool));
  const common = Object.entries(all[0] ?? {}).filter(([name, value]) => all.every((each) => each[name] === value));
  const shared = Object.fromEntries(common);
  return {
    common: shared,
    own: (pool) =>
      Object.fromEntries(Object.entries(capabilitiesOf(fleet, pool)).filter(([name]) => !Object.hasOwn(shared, name))),
  };
}
