import { createHmac } from "node:crypto";
import type { APIGatewayProxyEventV2 } from "aws-lambda";
import { createRunLedger } from "../../../handlers/lib/aws/run-ledger.ts";
import { createKeyring } from "../../../handlers/lib/core/keyring.ts";
import type { Vendor } from "../../../handlers/lib/core/ports.ts";
import { type HcpTerraformRuntime, webhookPaths } from "../../../handlers/lib/settings/vendors/hcp-terraform.ts";
import { createHcpTerraform } from "../../../handlers/lib/vendors/hcp-terraform/client.ts";
import { createHcpTerraformWebhook } from "../../../handlers/lib/vendors/hcp-terraform/webhook.ts";
import { handleWebhook } from "../../../handlers/webhook/handler.ts";
import type { Trouble } from "../faults.ts";
import { tableClient } from "../world/dynamo-table.ts";
import type { EventClock } from "../world/event-clock.ts";
import type { Job, SeenAgent, WorldEvent } from "../world/model.ts";
import { silentLog, silentMetrics } from "../world/silence.ts";

interface NotifiedOptions {
  readonly clock: EventClock;
  readonly random: () => number;
  readonly trouble: Trouble;
  /** How long a run counts without news, in seconds. */
  readonly runSeconds: number;
  readonly wake: () => void;
  readonly onAwsCall: () => void;
  readonly onFailure: (error: unknown) => void;
}

/** HCP Terraform with `demand: notifications`: the real webhook and run ledger. */
export interface Notified {
  /** A new container's vendor, which knows of runs by the ledger only. */
  readonly vendor: Vendor;
  observe(event: WorldEvent<SeenAgent>): void;
}

interface Run {
  readonly id: string;
  readonly workspaceId: string;
}

const key = "not-a-secret";
const runtime: HcpTerraformRuntime = {
  type: "hcp-terraform",
  organization: "acme",
  agentPool: "aws",
  address: "https://hcp.invalid",
  demand: "notifications",
};

/**
 * See {@link Notified}. HCP Terraform sends a notification 0.5 to 2 s after a run is created, begins to plan, and ends.
 * A job is a run of a workspace of its own; one that begins anew is a new run. Runs behind another one of their
 * workspace send nothing before it is their turn, and no run waits for a person: not modelled.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations
 */
export function createNotified({ clock, random, trouble, ...options }: NotifiedOptions): Notified {
  const dynamodb = tableClient({ clock, key: "runId", ttl: "expiresAt", onCall: options.onAwsCall });
  const ledger = createRunLedger({ table: "runs", runTtlSeconds: options.runSeconds }, { dynamodb, clock });
  const secrets = { read: async () => key, readVersions: async () => [key] };
  const deps = {
    vendor: createHcpTerraformWebhook(runtime, { log: silentLog, metrics: silentMetrics, clock }),
    keyring: createKeyring("key", { secrets, clock }),
    ledger,
    wakeUp: { wake: async () => options.wake() },
    log: silentLog,
  };
  const runs = new Map<Job, Run>();
  let made = 0;

  return {
    vendor: createHcpTerraform(runtime, { clock, ledger, readToken: async () => key }),
    observe(event) {
      if (event.type === "queued" && !runs.has(event.job)) {
        made += 1;
        runs.set(event.job, { id: `run-${made}`, workspaceId: `ws-${made}` });
        notify(event.job, "run:created", "pending");
      } else if (event.type === "agent" && event.agent.job) {
        notify(event.agent.job, "run:planning", "planning");
      } else if (event.type === "job-left") {
        if (event.how === "done") notify(event.job, "run:completed", "planned_and_finished");
        else notify(event.job, "run:errored", "errored");
        runs.delete(event.job);
      }
    },
  };

  function notify(job: Job, trigger: string, status: string): void {
    const run = runs.get(job);
    if (!run) return;
    const event = eventOf(run, { trigger, run_status: status, run_updated_at: clock.now().toISOString() });
    for (let left = trouble.deliveries(); left > 0; left -= 1) {
      clock.after(0.5 + random() * 1.5, () => {
        handleWebhook(event, deps).then(({ statusCode }) => {
          if (statusCode !== 200) options.onFailure(`the webhook answered ${statusCode}`);
        }, options.onFailure);
      });
    }
  }
}

/** As API Gateway hands a message to the webhook's function. */
function eventOf({ id, workspaceId }: Run, notification: object): APIGatewayProxyEventV2 {
  const body = JSON.stringify({
    payload_version: 1,
    run_id: id,
    workspace_id: workspaceId,
    notifications: [notification],
  });
  const signature = createHmac("sha512", key).update(body).digest("hex");
  return {
    rawPath: webhookPaths.notifications,
    requestContext: { http: { method: "POST" } },
    headers: { "x-tfe-notification-signature": signature },
    body,
    isBase64Encoded: false,
  } as unknown as APIGatewayProxyEventV2;
}
