import * as z from "zod";
import type { Capacity, Clock, Lease, Log } from "../lib/core/ports.ts";

/**
 * What Terraform's resource `aws_lambda_invocation` adds to its input when its `lifecycle_scope` is `CRUD`.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lambda_invocation
 */
const invocation = z.object({ part: z.literal("fallback").optional(), tf: z.object({ action: z.string() }) });

/** See {@link invocation}. `part`: only the fallback for want of Spot is to be destroyed. */
type TerraformRequest = { readonly action: string; readonly part: "fallback" | undefined };

/** How a destroy that may go on is answered. */
type Allowed = { readonly destroy: "allowed" };

const attempts = 12;
const pauseMilliseconds = 5000;
const shownIds = 10;

/**
 * What Terraform asks, if an event comes from it and not from the schedule or the webhook. Terraform invokes the loop
 * when it makes a guard, which only proves that the loop starts, and before it destroys the fleet or its fallback.
 */
export function terraformRequestOf(event: unknown): TerraformRequest | undefined {
  const { data } = invocation.safeParse(event);
  return data && { action: data.tf.action, part: data.part };
}

/**
 * Lets a destroy of the fleet go on, or fails it before Terraform has touched anything. It goes on only if no machine
 * of the fleet is left. The loop then launches none until the lease expires: Terraform removes its triggers meanwhile.
 *
 * @param lease one of its own, not the lease of the passes in this container, which may take theirs again at any time
 * @throws if a machine is left, if AWS does not say so, or if a pass of the loop goes on for a minute
 */
export async function allowDestroy({
  fleet,
  capacities,
  lease,
  clock,
  log,
}: {
  readonly fleet: string;
  readonly capacities: readonly Pick<Capacity, "remaining">[];
  readonly lease: Pick<Lease, "acquire">;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<Allowed> {
  await refuseWhileMachinesRemain(fleet, capacities);
  for (let attempt = 1; (await lease.acquire({ by: "schedule" })) === undefined; attempt += 1) {
    if (attempt === attempts) throw new Error(`fleet ${fleet}: the loop is at work. Nothing was destroyed; try again`);
    await clock.sleep(pauseMilliseconds);
  }
  // The pass before may have launched one.
  await refuseWhileMachinesRemain(fleet, capacities);
  log.warn("Terraform destroys this fleet: no agent is left, and none is launched any more");
  return { destroy: "allowed" };
}

/**
 * The same for the fallback alone, whose key was taken out of the config. The loop works on: an instance that it launches
 * there in this second has no job yet when AWS ends it.
 *
 * @throws if a machine is left in it, or if AWS does not say so
 */
export async function allowDestroyOfFallback({
  fleet,
  capacities,
}: {
  readonly fleet: string;
  readonly capacities: readonly Pick<Capacity, "remainingInFallback">[];
}): Promise<Allowed> {
  const remaining = await Promise.all(
    capacities.map(({ remainingInFallback }) => {
      if (!remainingInFallback) throw new Error(`fleet ${fleet} knows no fallback, so nobody can say if it has agents`);
      return remainingInFallback();
    }),
  );
  if (remaining.flat().length === 0) return { destroy: "allowed" };
  throw new Error(
    `the second group of fleet ${fleet} still has agents, which may be in a job: ${shown(remaining.flat())}. Nothing ` +
      "was destroyed. Give compute.spotFallback back, and take it out when they have left " +
      "(docs/ec2-fleet.md, When Spot has no capacity)",
  );
}

async function refuseWhileMachinesRemain(
  fleet: string,
  capacities: readonly Pick<Capacity, "remaining">[],
): Promise<void> {
  const remaining = (await Promise.all(capacities.map((capacity) => capacity.remaining()))).flat();
  if (remaining.length === 0) return;
  throw new Error(
    `fleet ${fleet} still has agents, which may be in a job: ${shown(remaining)}. Nothing was destroyed. ` +
      `Empty it first, which kills no job: fleet drain ${fleet}. Then destroy it ` +
      "(docs/runbook.md, Taking a fleet down)",
  );
}

function shown(ids: readonly string[]): string {
  const more = ids.length > shownIds ? `, and ${ids.length - shownIds} more` : "";
  return `${ids.slice(0, shownIds).join(", ")}${more}`;
}
