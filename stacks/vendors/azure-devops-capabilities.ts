import { imageVariables, mergeCapabilities } from "../../handlers/lib/settings/vendors/azure-devops-agent.ts";
import { computeOf, type PoolConfig } from "../config/pools.ts";
import { type Escaped, plainText, terraformTexts } from "../constructs/terraform-text.ts";
import type { FleetOf } from "./vendor-synth.ts";

type Fleet = FleetOf<"azure-devops">;
type Pool = Escaped<PoolConfig>;

/** Name of a capability → its value. */
type Capabilities = Readonly<Record<string, string>>;

const architectures = { x86_64: "X64", arm64: "ARM64" } as const;

/** Names of variables, separated by commas, that the agent does not publish. */
const ignoreVariable = "VSO_AGENT_IGNORE";

/** The agent publishes neither variables of this length or more, nor those below; start.sh hides the last kind. */
const tooLong = 1024;
const neverPublished =
  /^(?:comp_wordbreaks|ls_colors|TERM|TERM_PROGRAM|TERM_PROGRAM_VERSION|SHLVL|VSTS_AGENT_INPUT_.*)$/;

/**
 * Variables that stop an agent from publishing secrets. It would show every variable to everyone who can see its pool.
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
 * The capabilities of a pool's agents besides those of every agent: the published variables and those in the config.
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
 * The capabilities of a fleet, encoded for a Lambda: `common` to all its pools, and the further ones of each pool. A
 * Lambda's environment is too small to repeat them for every pool.
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
