import { createPoolApi, type PastRequest } from "../../../handlers/lib/vendors/azure-devops/api.ts";
import type { Organization } from "../../../handlers/lib/vendors/azure-devops/connection.ts";
import type { VendorDeps } from "../../../handlers/lib/vendors/deps.ts";
import { type Found, type History, historyOf, jobOf } from "./history.ts";

/** How many ended jobs are asked for per pool. Azure DevOps does not document how many it gives. */
const askedFor = 5000;

/**
 * The jobs that agent pools have done, as far back as Azure DevOps lists them.
 *
 * @throws VendorApiError
 */
export async function readJobs(
  organization: Organization,
  pools: readonly { readonly name: string; readonly id?: number | undefined }[],
  options: { readonly deps: VendorDeps; readonly since: Date; readonly onPool: (name: string) => void },
): Promise<History> {
  const found: Found[] = [];
  for (const pool of pools) {
    options.onPool(pool.name);
    const requests = await createPoolApi({ ...organization, pool }, options.deps).listHistory(askedFor);
    // One that ends meanwhile may be shown as open and as ended.
    const byId = new Map(requests.map((request) => [request.requestId ?? request, request]));
    found.push(...[...byId.values()].map((request) => foundIn(request, pool.name)));
  }
  return historyOf(found, options.since);
}

function foundIn({ queueTime, receiveTime, finishTime, result }: PastRequest, queue: string): Found {
  const isOver = result != null || finishTime != null;
  if (receiveTime == null) return isOver ? "never_ran" : "not_over";
  if (!isOver) return "not_over";
  return jobOf({ submitted: queueTime, started: receiveTime, ended: finishTime }, { queue });
}
