import * as z from "zod";
import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import { connect, type Organization } from "../../../handlers/lib/vendors/azure-devops/connection.ts";
import type { VendorDeps } from "../../../handlers/lib/vendors/deps.ts";

const resourceUsage = z.object({
  resourceLimit: z.object({
    totalCount: z.number().nullish(),
    /** `true`: the count is incomplete. */
    failedToReachAllProviders: z.boolean().nullish(),
  }),
});

/** With these Azure DevOps refuses a credential; 403 refuses only the right to see the usage. */
const refusals: ReadonlySet<number | undefined> = new Set([203, 302, 401]);

/**
 * How many jobs the organization may run on self-hosted agents at a time, in all its private projects. Further agents
 * get no job. `undefined` if Azure DevOps does not say: Microsoft documents no API for it, the Server edition sells no
 * parallel jobs, and the credential needs rights that a fleet does not need. Throws {@link VendorApiError} if the
 * credential itself is refused.
 */
export async function readParallelJobs(organization: Organization, deps: VendorDeps): Promise<number | undefined> {
  const query = {
    parallelismTag: "Private",
    poolIsHosted: "false",
    includeRunningRequests: "false",
    "api-version": "7.1-preview",
  };
  try {
    const request = { method: "GET", path: "/distributedtask/resourceusage", query } as const;
    const { resourceLimit } = (await connect(organization, deps).json(resourceUsage, request)).body;
    return resourceLimit.failedToReachAllProviders ? undefined : (resourceLimit.totalCount ?? undefined);
  } catch (error) {
    if (error instanceof VendorApiError && !refusals.has(error.status)) return undefined;
    throw error;
  }
}
