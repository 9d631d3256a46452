/**
 * Capabilities that jobs may demand: name → value. `undefined`: agents publish it, but its value is unknown before they
 * run. Names are compared without regard to case, as in Azure DevOps.
 */
export type Capabilities = Readonly<Record<string, string | undefined>>;

/**
 * The version that agents and placeholder offer to jobs that demand a minimum version: high enough for all of them.
 */
export const offeredVersion = "4.999.0";

/**
 * Capabilities that the agent publishes by itself on every machine with our image. Its version meets every demand,
 * because it updates itself. It publishes the programs that it searches for and finds: no shell but `sh`, and no `jq`.
 *
 * Sources: AgentCapabilitiesProvider, NixCapabilitiesProvider and PwshCapabilitiesProvider of
 * https://github.com/microsoft/azure-pipelines-agent/tree/master/src/Microsoft.VisualStudio.Services.Agent/Capabilities;
 * the paths of the programs are from `agents/azure-devops/Dockerfile` and the order of {@link imageVariables}' `PATH`.
 */
export const agentCapabilities: Capabilities = {
  "Agent.ComputerName": undefined,
  "Agent.HomeDirectory": "/azp",
  "Agent.Name": undefined,
  "Agent.OS": "Linux",
  "Agent.Version": offeredVersion,
  InteractiveSession: "True",
  curl: "/usr/bin/curl",
  git: "/usr/bin/git",
  sh: "/usr/bin/sh",
};

/** Variables of our image. The agent publishes them like all others. */
export const imageVariables: Readonly<Record<string, string>> = {
  HOME: "/home/agent",
  LANG: "C.UTF-8",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};

/** Other variables of each agent. `stacks/vendors/azure-devops.ts` and the loop set them. */
export function agentVariables({ url, pool }: { readonly url: string; readonly pool: { readonly name: string } }) {
  return { AZP_AGENT_NAME: undefined, AZP_POOL: pool.name, AZP_URL: url } satisfies Capabilities;
}

/** Merges capabilities. Names that differ only in case are the same, as for the agent; later ones win. */
export function mergeCapabilities<Value extends string | undefined>(
  ...all: readonly Readonly<Record<string, Value>>[]
): Readonly<Record<string, Value>> {
  const entries = all.flatMap((each) => Object.entries(each));
  return Object.fromEntries(new Map(entries.map((entry) => [entry[0].toLowerCase(), entry])).values());
}
