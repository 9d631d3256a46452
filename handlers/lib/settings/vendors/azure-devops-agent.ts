/**
 * What jobs may demand: name of a capability → its value. `undefined`: agents publish it, and nobody knows the value
 * before they are there. Names are compared without regard to case, as Azure DevOps does.
 */
export type Capabilities = Readonly<Record<string, string | undefined>>;

/**
 * The version that agents and placeholder offer to jobs that demand one, which compare it: high enough for all of them.
 */
export const offeredVersion = "4.999.0";

/**
 * What the agent publishes by itself on every machine that runs our image. Its version is any that jobs demand, because
 * it updates itself. Of programs it publishes those that it looks for and finds: no shell but `sh`, and no `jq`.
 *
 * Sources: AgentCapabilitiesProvider, NixCapabilitiesProvider and PwshCapabilitiesProvider of
 * https://github.com/microsoft/azure-pipelines-agent/tree/master/src/Microsoft.VisualStudio.Services.Agent/Capabilities;
 * where the programs are is `agents/azure-devops/Dockerfile` and the order of {@link imageVariables}' `PATH`.
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

/** Variables that our image brings, which the agent publishes like all others. */
export const imageVariables: Readonly<Record<string, string>> = {
  HOME: "/home/agent",
  LANG: "C.UTF-8",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};

/** Variables that each agent has besides, as `stacks/vendors/azure-devops.ts` and the loop set them. */
export function agentVariables({ url, pool }: { readonly url: string; readonly pool: { readonly name: string } }) {
  return { AZP_AGENT_NAME: undefined, AZP_POOL: pool.name, AZP_URL: url } satisfies Capabilities;
}

/** Names differ by more than case, as for the agent; what comes later wins. */
export function mergeCapabilities<Value extends string | undefined>(
  ...all: readonly Readonly<Record<string, Value>>[]
): Readonly<Record<string, Value>> {
  const entries = all.flatMap((each) => Object.entries(each));
  return Object.fromEntries(new Map(entries.map((entry) => [entry[0].toLowerCase(), entry])).values());
}
