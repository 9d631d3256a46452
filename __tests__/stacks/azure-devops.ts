import * as z from "zod";
import { wholeFleet } from "../../handlers/lib/core/overrides.ts";
import { autoscaleEnv } from "../../handlers/lib/settings/autoscale.ts";
import { offersOf } from "../../handlers/lib/vendors/azure-devops/client.ts";
import { resources, type Synthesized, settingsOf } from "./synth.ts";

/** The least that the file of a fleet with one pool says. */
export const single = {
  kind: "ecs-fleet",
  region: "eu-west-1",
  vendor: { type: "azure-devops", organization: "acme", poolName: "aws" },
} as const;
/** One of several pools. */
export const pool = (key: string, more = {}) => ({ key, name: `Pool ${key}`, ...more });
/** A fleet of several pools. */
export const pooled = (pools: readonly object[], more = {}) => ({
  ...single,
  vendor: { type: "azure-devops", organization: "acme" },
  pools,
  ...more,
});

/** The environment of the loop's function, or the one that retires. */
export function variablesOf(
  stack: Synthesized,
  of: "autoscale" | "retirement_retire" = "autoscale",
): Record<string, string> {
  const [, found] = Object.entries(stack.resource.aws_lambda_function ?? {}).find(([id]) => id.startsWith(of)) ?? [];
  return (found?.environment as { variables: Record<string, string> }).variables;
}

/** What the loop takes the agents of each pool to offer, as the vendor's runtime half puts it together. */
export function capabilitiesOf(stack: Synthesized): readonly Readonly<Record<string, string | undefined>>[] {
  const settings = settingsOf(stack);
  const { POOLS: keys = [wholeFleet] } = z.decode(autoscaleEnv, variablesOf(stack) as never);
  return keys.map((key) => {
    const vendor = settings[key]?.vendor;
    return vendor?.type === "azure-devops" ? offersOf(vendor) : {};
  });
}

/** What every agent publishes whose image is ours, and whose pool has this name. */
export const ofImage = (pool: string) => ({
  "Agent.ComputerName": undefined,
  "Agent.HomeDirectory": "/azp",
  "Agent.Name": undefined,
  "Agent.OS": "Linux",
  "Agent.OSArchitecture": "X64",
  "Agent.Version": "4.999.0",
  AZP_AGENT_NAME: undefined,
  AZP_POOL: pool,
  AZP_URL: "https://dev.azure.com/acme",
  HOME: "/home/agent",
  InteractiveSession: "True",
  LANG: "C.UTF-8",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  curl: "/usr/bin/curl",
  git: "/usr/bin/git",
  sh: "/usr/bin/sh",
});

/** The agent's container of each task definition. */
export function containersOf(stack: Synthesized) {
  return resources(stack, "aws_ecs_task_definition").map(({ family, container_definitions: definitions }) => ({
    family,
    ...JSON.parse(String(definitions))[0],
  }));
}
