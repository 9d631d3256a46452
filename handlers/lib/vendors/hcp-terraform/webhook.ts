import * as z from "zod";
import type { SeenRun } from "../../core/ports.ts";
import { hmacSha512Proof } from "../../core/signature.ts";
import {
  ignored,
  malformed,
  parseJson,
  type WebhookRoute,
  type WebhookVendor,
  type WebhookVendorDeps,
} from "../../core/webhook.ts";
import { type HcpTerraformRuntime, webhookPaths } from "../../settings/vendors/hcp-terraform.ts";
import { isFinalRunStatus, rankOfRunStatus } from "./run-status.ts";
import { passRunTask } from "./run-task-callback.ts";

/**
 * A word that goes into the run ledger; `undefined` if it is missing, empty, longer than any real one, or no text. DynamoDB
 * takes keys of at most 2,048 bytes of UTF-8, so a longer id, or half a character, would fail the whole message.
 */
const ledgerWord = z
  .string()
  .max(256)
  .regex(/^[^\p{Cc}\p{Cs}]+$/u)
  .optional()
  .catch(undefined);

const notificationBody = z.looseObject({
  run_id: ledgerWord,
  workspace_id: ledgerWord,
  /** Absent in payload version 2 (`assessment:*`, `workspace:*`). */
  notifications: z.array(z.unknown()).default([]),
});

/** Each element stands for itself, so that a bad one does not lose the others. */
const notificationEvent = z.looseObject({
  trigger: z.string(),
  run_status: ledgerWord,
  run_updated_at: z.string().optional().catch(undefined),
});

const runTaskBody = z.looseObject({
  stage: z.string(),
  task_result_enforcement_level: z.string().nullish(),
  access_token: z.string(),
  task_result_callback_url: z.string(),
  run_id: ledgerWord,
  workspace_id: ledgerWord,
});

/** The messages of HCP Terraform: notifications and run tasks, both signed with the fleet's notification token. */
export function createHcpTerraformWebhook(runtime: HcpTerraformRuntime, deps: WebhookVendorDeps): WebhookVendor {
  return [notifications(deps), runTask(runtime, deps)];
}

/**
 * https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#notification-payload.
 * The handshake is a notification without a run, so the webhook answers it like any message that needs no action.
 */
function notifications({ clock }: WebhookVendorDeps): WebhookRoute {
  return {
    path: webhookPaths.notifications,
    proof: ({ body, headers }) => hmacSha512Proof(body, headers["x-tfe-notification-signature"]),
    async receive(request) {
      const parsed = notificationBody.safeParse(parseJson(request));
      if (!parsed.success) return malformed;
      const { run_id: runId, workspace_id: workspaceId, notifications: elements } = parsed.data;
      const known = elements.flatMap((element) => notificationEvent.safeParse(element).data ?? []);
      if (known.length === 0 && elements.length > 0) return malformed;
      const events = known.filter(({ trigger }) => trigger.startsWith("run:"));
      if (events.length === 0) return ignored;
      const seenRuns = events.flatMap(({ run_status: status, run_updated_at: updatedAt }): SeenRun[] => {
        if (!runId || !workspaceId || !status) return [];
        return [seenRun({ runId, workspaceId, status, updatedAt: parseTime(updatedAt) ?? clock.now() })];
      });
      return { status: 200, seenRuns, wake: true };
    },
  };
}

/**
 * https://developer.hashicorp.com/terraform/cloud-docs/api-docs/run-tasks/run-tasks-integration. The task only wakes
 * the loop. It always passes, before the webhook answers, because a Lambda does nothing after its answer.
 */
function runTask({ address }: HcpTerraformRuntime, deps: WebhookVendorDeps): WebhookRoute {
  return {
    path: webhookPaths.runTask,
    proof: ({ body, headers }) => hmacSha512Proof(body, headers["x-tfc-task-signature"]),
    async receive(request) {
      const parsed = runTaskBody.safeParse(parseJson(request));
      if (!parsed.success) return malformed;
      const task = parsed.data;
      if (task.stage === "test" || task.task_result_enforcement_level === "test") return ignored;
      const callback = { url: task.task_result_callback_url, accessToken: task.access_token };
      const result = await passRunTask(callback, { ...deps, address });
      if (result === "not-sent") return malformed;
      // A message that was sent again later: HCP Terraform no longer waits for this task, so it is no news of the run.
      const seenRuns = result === "not-awaited" ? [] : confirmed(task, deps.clock.now());
      return { status: 200, seenRuns, wake: true };
    },
  };
}

/** There is no notification of a confirmed apply. The next notification comes when an agent works on the run. */
function confirmed(task: z.output<typeof runTaskBody>, updatedAt: Date): SeenRun[] {
  const { stage, run_id: runId, workspace_id: workspaceId } = task;
  if (stage !== "pre_apply" || !runId || !workspaceId) return [];
  return [seenRun({ runId, workspaceId, status: "pre_apply_running", updatedAt })];
}

function seenRun(seen: Omit<SeenRun, "final" | "rank">): SeenRun {
  return { ...seen, final: isFinalRunStatus(seen.status), rank: rankOfRunStatus(seen.status) };
}

function parseTime(text: string | undefined): Date | undefined {
  const time = new Date(text ?? Number.NaN);
  return Number.isNaN(time.getTime()) ? undefined : time;
}
