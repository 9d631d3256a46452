import * as z from "zod";
import { createHcpTerraformApi, type HcpTerraformApiOptions } from "../../../handlers/lib/vendors/hcp-terraform/api.ts";
import { pathOf } from "../../../handlers/lib/vendors/http.ts";
import { RateLimiter } from "../../../handlers/lib/vendors/rate-limiter.ts";
import { type Found, type History, historyOf, jobOf, timeOf } from "./history.ts";

/** HCP Terraform limits lists of runs to 30 requests a minute. */
const runListLimit = { requests: 29, windowMilliseconds: 60_000 };

/** A run whose parts are what they should not be is left out, and not a reason to fail. */
const run = z.object({
  id: z.string(),
  attributes: z
    .object({
      "created-at": z.unknown().optional(),
      "status-timestamps": z.record(z.string(), z.unknown()).nullish().catch(undefined),
    })
    .nullish()
    .catch(undefined),
  relationships: z
    .object({ workspace: z.object({ data: z.object({ id: z.string() }) }) })
    .nullish()
    .catch(undefined),
});

type Run = z.output<typeof run>;

/**
 * What ends an agent's work, by stage. A run that is cancelled or fails has taken its agent until then.
 *
 * @see RunStatusTimestamps of hashicorp/go-tfe
 */
const stages = [
  {
    queued: "plan-queued-at",
    started: "planning-at",
    ends: ["planned-at", "planned-and-finished-at", "planned-and-saved-at", "cost-estimating-at", "policy-checking-at"],
  },
  { queued: "apply-queued-at", started: "applying-at", ends: ["applied-at"] },
] as const;

const anyStageEnds = ["errored-at", "canceled-at", "force-canceled-at"] as const;

/**
 * The jobs of an agent pool's runs: a plan, and an apply where there was one. Each run counts from the moment that it
 * waits for an agent, not behind another run. Reads the organization's runs, whose newest are assumed to come first.
 *
 * @throws VendorApiError. A list that cannot be read to its end is an error, never a part of it.
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run#list-runs-in-an-organization
 */
export async function readRuns(
  pool: { readonly organization: string; readonly agentPool: string },
  options: HcpTerraformApiOptions & { readonly since: Date; readonly onPage: (runs: number) => void },
): Promise<History> {
  const { clock, since, onPage } = options;
  const api = createHcpTerraformApi(options);
  const request = {
    path: pathOf("organizations", pool.organization, "runs"),
    query: { "filter[agent_pool_names]": pool.agentPool },
    limiter: new RateLimiter(runListLimit.requests, runListLimit.windowMilliseconds, clock),
  };
  const { items } = await api.list(run, request, ({ items: soFar }) => {
    onPage(soFar.length);
    const created = timeOf(soFar.at(-1)?.attributes?.["created-at"]);
    return created !== undefined && created < since.getTime();
  });
  return historyOf(
    items.flatMap((each) => jobsOf(each, pool.agentPool)),
    since,
  );
}

function jobsOf({ attributes, relationships }: Run, queue: string): readonly Found[] {
  const stamps = attributes?.["status-timestamps"];
  if (!stamps || timeOf(attributes?.["created-at"]) === undefined) return ["unreadable"];
  const where = { queue, workspace: relationships?.workspace.data.id };
  const found = stages.flatMap(({ queued, started: startedName, ends }): readonly Found[] => {
    const started = stamps[startedName];
    if (started == null) return [];
    const startedAt = timeOf(started) ?? Number.NaN;
    const later = [...ends, ...anyStageEnds].filter((name) => (timeOf(stamps[name]) ?? Number.NaN) >= startedAt);
    const [ended] = later.map((name) => stamps[name]).sort(earlier);
    if (ended === undefined) return [Number.isNaN(startedAt) ? "unreadable" : "not_over"];
    return [jobOf({ submitted: stamps[queued] ?? started, started, ended }, where)];
  });
  if (found.length > 0) return found;
  return anyStageEnds.some((name) => stamps[name]) || stamps["discarded-at"] ? ["never_ran"] : ["not_over"];
}

function earlier(one: unknown, other: unknown): number {
  return (timeOf(one) ?? 0) - (timeOf(other) ?? 0);
}
