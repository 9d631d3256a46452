import { createHmac } from "node:crypto";
import type { FakeNotification, FakeRun, HcpTerraformState } from "./state.ts";

/** Sends the handshake. Resolves to the status of the answer, or 0 without an answer. */
export function sendVerification(configuration: FakeNotification): Promise<number> {
  return post(configuration, {
    payload_version: 1,
    notification_configuration_id: configuration.id,
    run_url: null,
    run_id: null,
    run_message: null,
    run_created_at: null,
    run_created_by: null,
    workspace_id: null,
    workspace_name: null,
    organization_name: null,
    notifications: [
      {
        message: "Verification of test",
        trigger: "verification",
        run_status: null,
        run_updated_at: null,
        run_updated_by: null,
      },
    ],
  });
}

/** Notifies every enabled configuration of the run's workspace with this trigger. Resolves to the answers' statuses. */
export function sendRunNotification(state: HcpTerraformState, run: FakeRun, trigger: string): Promise<number[]> {
  const configurations = [...state.notifications.values()].filter(
    ({ enabled, triggers, workspaceId }) => enabled && workspaceId === run.workspaceId && triggers.includes(trigger),
  );
  return Promise.all(
    configurations.map((configuration) =>
      post(configuration, {
        payload_version: 1,
        notification_configuration_id: configuration.id,
        run_url: `https://hcp.example/app/${state.organization}/runs/${run.id}`,
        run_id: run.id,
        run_message: run.message,
        run_created_at: run.createdAt.toISOString(),
        run_created_by: "tester",
        workspace_id: run.workspaceId,
        workspace_name: state.workspaces.get(run.workspaceId)?.name,
        organization_name: state.organization,
        notifications: [
          {
            message: trigger,
            trigger,
            run_status: run.status,
            run_updated_at: state.clock.now().toISOString(),
            run_updated_by: "tester",
          },
        ],
      }),
    ),
  );
}

async function post({ url, token }: FakeNotification, payload: unknown): Promise<number> {
  const body = JSON.stringify(payload);
  const signature = token === "" ? "" : createHmac("sha512", token).update(body).digest("hex");
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", "X-TFE-Notification-Signature": signature },
      body,
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}
