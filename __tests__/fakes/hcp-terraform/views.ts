import {
  type FakeAgent,
  type FakeConfigurationVersion,
  type FakeNotification,
  type FakePool,
  type FakeRun,
  type FakeWorkspace,
  type HcpTerraformState,
  isFinal,
} from "./state.ts";

/** The resources as the API shows them. */
export const view = {
  pool: ({ id, name }: FakePool) => ({ id, type: "agent-pools", attributes: { name, "organization-scoped": true } }),

  agent: ({ id, name, status }: FakeAgent) => ({
    id,
    type: "agents",
    attributes: { name, status, "ip-address": "10.0.0.1", "last-ping-at": null },
  }),

  workspace: (workspace: FakeWorkspace, { knowsDefaults }: HcpTerraformState) => ({
    id: workspace.id,
    type: "workspaces",
    attributes: {
      name: workspace.name,
      "execution-mode": workspace.executionMode,
      "auto-apply": workspace.autoApply,
      "assessments-enabled": workspace.assessmentsEnabled,
      "global-remote-state": workspace.globalRemoteState,
      ...(knowsDefaults && {
        "setting-overwrites": { "execution-mode": !workspace.inherited, "agent-pool": !workspace.inherited },
      }),
    },
    relationships: {
      "agent-pool": { data: workspace.agentPoolId ? { id: workspace.agentPoolId, type: "agent-pools" } : null },
    },
  }),

  /** The token is never shown again. */
  notification: ({ id, name, url, triggers, enabled }: FakeNotification) => ({
    id,
    type: "notification-configurations",
    attributes: { name, url, triggers, enabled, token: null, "destination-type": "generic", "delivery-responses": [] },
  }),

  configurationVersion: ({ id, content, speculative }: FakeConfigurationVersion, host: string) => ({
    id,
    type: "configuration-versions",
    attributes: {
      status: content ? "uploaded" : "pending",
      speculative,
      "upload-url": content ? null : `${host}/v1/object/${Buffer.from(`canary-upload-${id}`).toString("base64url")}`,
    },
  }),

  run: (run: FakeRun) => ({
    id: run.id,
    type: "runs",
    attributes: {
      status: run.status,
      message: run.message,
      "plan-only": run.planOnly,
      "auto-apply": run.autoApply,
      "created-at": run.createdAt.toISOString(),
      "status-timestamps": Object.fromEntries([...run.timestamps].map(([name, at]) => [name, at.toISOString()])),
      "has-changes": true,
      actions: {
        "is-confirmable": waitsForPerson(run),
        "is-cancelable": !isFinal(run) && run.status !== "planned",
        "is-discardable": waitsForPerson(run),
      },
    },
    relationships: {
      workspace: { data: { id: run.workspaceId, type: "workspaces" } },
      plan: { data: { id: `plan-${run.id}`, type: "plans" } },
      apply: { data: { id: `apply-${run.id}`, type: "applies" } },
    },
  }),

  phase: (type: "plans" | "applies", id: string, host: string) => ({
    id,
    type,
    attributes: { status: "finished", "log-read-url": `${host}/v1/object/${type}-${id}` },
  }),
};

/** Moves a run that was started through the API one step on; without auto-apply it stays `planned`. */
export function progress(state: HcpTerraformState, run: FakeRun): void {
  const next = waitsForPerson(run) ? undefined : run.upcoming.shift();
  if (next !== undefined) state.setRunStatus(run.id, next);
}

function waitsForPerson(run: FakeRun): boolean {
  return run.status === "planned" && !run.autoApply && !run.planOnly;
}
