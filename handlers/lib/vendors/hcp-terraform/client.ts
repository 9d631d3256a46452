import * as z from "zod";
import { VendorApiError } from "../../core/errors.ts";
import type { Demand } from "../../core/model.ts";
import type { Vendor, VendorAgent } from "../../core/ports.ts";
import type { StartedJob } from "../../core/waits.ts";
import type { HcpTerraformRuntime } from "../../settings/vendors/hcp-terraform.ts";
import type { VendorDeps } from "../deps.ts";
import { pathOf } from "../http.ts";
import { RateLimiter } from "../rate-limiter.ts";
import { createHcpTerraformApi } from "./api.ts";
import { agentStatuses, type CountedRun, demandOfRuns, demandOfSeenRuns } from "./demand.ts";

/**
 * The oldest release that lists the runs of an organization. Source: pendingRuns of hashicorp/hcp-terraform-operator,
 * which sends the same request.
 */
const oldestEnterprise = "v202409-1";

/** Most pages of runs to read. A thousand jobs are enough for one tick. */
export const mostPages = 10;

/** HCP Terraform limits lists of runs to 30 requests a minute. The extra second covers network delays. */
export const runListLimit = { requests: 30, windowMilliseconds: 61_000 };

const agent = z.object({ id: z.string(), attributes: z.object({ name: z.string(), status: z.string() }) });

const run = z.object({
  id: z.string(),
  attributes: z.object({
    status: z.string(),
    "plan-only": z.boolean().nullish(),
    "created-at": z.iso.datetime({ offset: true }),
    "status-timestamps": z.record(z.string(), z.string().nullish()).nullish(),
  }),
  relationships: z.object({ workspace: z.object({ data: z.object({ id: z.string() }) }) }),
});

/**
 * The runtime half of HCP Terraform and Terraform Enterprise. Keep it between passes: it caches the pool's id. In
 * notifications mode it only uses the ledger and reads no token.
 */
export function createHcpTerraform(config: HcpTerraformRuntime, deps: VendorDeps): Vendor {
  return config.demand === "api" ? overApi(config, deps) : overNotifications(deps);
}

function overNotifications({ ledger, clock }: VendorDeps): Vendor {
  if (!ledger) throw new Error("demand by notifications needs a run ledger");
  return {
    async readDemand() {
      const seenRuns = await ledger.listOpen();
      return demandOfSeenRuns(
        seenRuns.map(({ workspaceId, status, updatedAt }) => ({
          workspaceId,
          status,
          planOnly: false,
          since: updatedAt,
        })),
        clock.now(),
      );
    },
    listAgents: () => Promise.resolve(undefined),
    removeAgent: () => Promise.resolve(),
  };
}

function overApi(config: HcpTerraformRuntime, deps: VendorDeps): Vendor {
  const api = createHcpTerraformApi({ ...deps, address: config.address });
  const runLists = new RateLimiter(runListLimit.requests, runListLimit.windowMilliseconds, deps.clock);
  let knownPoolId: string | undefined;

  async function poolId(): Promise<string> {
    const pool = await api.findAgentPool(config.organization, config.agentPool);
    if (pool) return pool.id;
    const where = `agent pool "${config.agentPool}" of organization "${config.organization}"`;
    throw new VendorApiError("not-found", `${where} does not exist, or the API token may not see it`);
  }

  /**
   * The demand of the runs that concern agents, newest first, as far as needed. Without the filter, thousands of runs that wait for a person would hide
   * them and cost a page per hundred. The filter takes states separated by commas: RunListForOrganizationOptions of
   * hashicorp/go-tfe.
   */
  async function readRuns(isEnough: (demand: Demand) => boolean): Promise<Demand> {
    const request = {
      path: pathOf("organizations", config.organization, "runs"),
      query: { "filter[agent_pool_names]": config.agentPool, "filter[status]": agentStatuses.join(",") },
      limiter: runLists,
    };
    try {
      const { items, partial } = await api.list(run, request, (soFar) => {
        return soFar.pages === mostPages || isEnough(demandOf(soFar.items));
      });
      return { ...demandOf(items), ...(partial && { partial }) };
    } catch (error) {
      if (!(error instanceof VendorApiError && error.kind === "not-found")) throw error;
      const what = `the runs of organization "${config.organization}" are not found`;
      const why = "it does not exist, the API token may not read its runs, or this is a Terraform Enterprise";
      const message = `${what}: ${why} older than ${oldestEnterprise}`;
      throw new VendorApiError("not-found", message, { cause: error, status: 404 });
    }
  }

  function demandOf(runs: readonly z.output<typeof run>[]): Demand {
    return demandOfRuns(runs.map(countedRun), deps.clock.now());
  }

  return {
    readDemand: ({ enough = Number.POSITIVE_INFINITY } = {}) =>
      readRuns(({ queued, expected = 0 }) => queued + expected >= enough),

    async listAgents(): Promise<readonly VendorAgent[]> {
      knownPoolId ??= await poolId();
      const request = { path: pathOf("agent-pools", knownPoolId, "agents") };
      try {
        const { items, pages } = await api.list(agent, request);
        if (pages === 1) return items.map(vendorAgent);
        // An agent that leaves between two pages moves the others up, and one can be missed. So the client reads a list
        // of several pages twice and takes all agents of both: a working agent must not look as if it had never come.
        const again = await api.list(agent, request);
        const latest = new Map([...items, ...again.items].map((item) => [item.id, item]));
        return [...latest.values()].map(vendorAgent);
      } catch (error) {
        if (error instanceof VendorApiError && error.kind === "not-found") knownPoolId = undefined;
        throw error;
      }
    },

    async removeAgent(id) {
      try {
        await api.send({ method: "DELETE", path: pathOf("agents", id) });
      } catch (error) {
        const refusedOrAbsent = error instanceof VendorApiError && ["not-found", "conflict"].includes(error.kind);
        if (!refusedOrAbsent) throw error;
      }
    },
  };
}

/** An agent is busy unless its status proves that it is idle or has left. Unknown statuses count as busy. */
function vendorAgent({ id, attributes: { name, status } }: z.output<typeof agent>): VendorAgent {
  if (status === "idle") return { id, name, state: "idle" };
  return { id, name, state: status === "exited" || status === "errored" ? "gone" : "busy" };
}

function countedRun({ attributes, relationships }: z.output<typeof run>): CountedRun {
  return {
    workspaceId: relationships.workspace.data.id,
    planOnly: attributes["plan-only"] ?? false,
    status: attributes.status,
    since: enteredStateAt(attributes),
    started: startOf(attributes),
  };
}

/** The queue before each state in which an agent works. */
const queueBefore: Readonly<Record<string, string>> = { planning: "plan-queued-at", applying: "apply-queued-at" };

/**
 * Both times are of the API's `status-timestamps`, which has `plan-queued-at` and `planning-at`, `apply-queued-at` and
 * `applying-at` (HCP Terraform's API docs, "Runs API"). None is guessed.
 */
function startOf({ status, "status-timestamps": stamps }: z.output<typeof run>["attributes"]): StartedJob | undefined {
  const at = Date.parse(stamps?.[`${status}-at`] ?? "");
  const waitedSeconds = (at - Date.parse(stamps?.[queueBefore[status] ?? ""] ?? "")) / 1000;
  return Number.isFinite(waitedSeconds) ? { at: new Date(at), waitedSeconds } : undefined;
}

/** The time of `plan_queued` is `plan-queued-at`, and so on. States without a timestamp take the latest one. */
function enteredStateAt(attributes: z.output<typeof run>["attributes"]): Date {
  const stamps = attributes["status-timestamps"] ?? {};
  const own = stamps[`${attributes.status.replaceAll("_", "-")}-at`];
  const times = (own ? [own] : Object.values(stamps)).map((stamp) => Date.parse(stamp ?? "")).filter(Number.isFinite);
  return new Date(times.length > 0 ? Math.max(...times) : attributes["created-at"]);
}
