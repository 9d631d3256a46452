import * as z from "zod";
import type { Capacity, Clock, Lease, Log } from "../lib/core/ports.ts";

/**
 * What Terraform's resource `aws_lambda_invocation` adds to its input when its `lifecycle_scope` is `CRUD`.
 *
 * @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/lambda_invocation
 */
const invocation = z.object({ tf: z.object({ action: z.string() }) });

const attempts = 12;
const pauseMilliseconds = 5000;
const shownIds = 10;

/**
 * Whether an event comes from Terraform, and not from the schedule or the webhook. Terraform invokes the loop when it
 * makes its guard, which only proves that the loop starts, and before it destroys the fleet.
 */
export function terraformActionOf(event: unknown): string | undefined {
  return invocation.safeParse(event).data?.tf.action;
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
}): Promise<{ readonly destroy: "allowed" }> {
  await refuseWhileMachinesRemain(fleet, capacities);
  for (let attempt = 1; !(await lease.acquire()); attempt += 1) {
    if (attempt === attempts) throw new Error(`fleet ${fleet}: the loop is at work. Nothing was destroyed; try again`);
    await clock.sleep(pauseMilliseconds);
  }
  // The pass before may have launched one.
  await refuseWhileMachinesRemain(fleet, capacities);
  log.warn("Terraform destroys this fleet: no agent is left, and none is launched any more");
  return { destroy: "allowed" };
}

async function refuseWhileMachinesRemain(
  fleet: string,
  capacities: readonly Pick<Capacity, "remaining">[],
): Promise<void> {
  const remaining = (await Promise.all(capacities.map((capacity) => capacity.remaining()))).flat();
  if (remaining.length === 0) return;
  const shown = remaining.slice(0, shownIds).join(", ");
  const more = remaining.length > shownIds ? `, and ${remaining.length - shownIds} more` : "";
  throw new Error(
    `fleet ${fleet} still has agents, which may be in a job: ${shown}${more}. Nothing was destroyed. ` +
      "Set agents.min and agents.max to 0, deploy, wait until they have left, and destroy then " +
      "(docs/runbook.md, Taking a fleet down)",
  );
}
