import { offeredVersion } from "../../handlers/lib/settings/vendors/azure-devops.ts";
import { computeOf, type PoolConfig } from "../config/pools.ts";
import { type Escaped, plainText } from "../constructs/terraform-text.ts";
import type { FleetOf } from "./vendor-synth.ts";

type Fleet = FleetOf<"azure-devops">;
type Pool = Escaped<PoolConfig>;

/** Name of a capability → its value. */
type Capabilities = Readonly<Record<string, string>>;

/** What the agent finds on every machine that runs our image; its version is any that jobs demand: it updates itself. */
const standardCapabilities: Capabilities = {
  "Agent.OS": "Linux",
  "Agent.Version": offeredVersion,
  bash: "/bin/bash",
  curl: "/usr/bin/curl",
  git: "/usr/bin/git",
  jq: "/usr/bin/jq",
  sh: "/bin/sh",
};

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

/** What jobs may demand of the agents of a pool: what the image holds, what the config says, and the published variables. */
function capabilitiesOf(fleet: Fleet, pool: Pool | undefined): Capabilities {
  const { architecture, environment } = computeOf(fleet.compute, pool);
  const hidden = [ignoreVariable, ...unpublished(fleet, pool)];
  const published = Object.entries(environment).filter(
    ([name, value]) => !hidden.includes(name) && !neverPublished.test(name) && plainText(value).length < tooLong,
  );
  return merged(
    Object.fromEntries(published),
    standardCapabilities,
    { "Agent.OSArchitecture": architectures[architecture] },
    fleet.vendor.capabilities,
    pool?.capabilities ?? {},
  );
}

/** Names differ by more than case, as for the agent; what comes later wins. */
function merged(...all: readonly Capabilities[]): Capabilities {
  const entries = all.flatMap((each) => Object.entries(each));
  return Object.fromEntries(new Map(entries.map((entry) => [entry[0].toLowerCase(), entry])).values());
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
