import type { HcpTerraformFake } from "../hcp-terraform.ts";
import type { FakeWorkspace } from "./state.ts";

/**
 * The requests of `tfe_workspace_settings` of provider tfe 0.71 when it repairs drift of a config that names mode and pool
 * only. Its other arguments are computed, hence unknown in the plan of an update, and unknown counts as `false`.
 *
 * @see `updateSettings` in `internal/provider/resource_tfe_workspace_settings.go` of hashicorp/terraform-provider-tfe
 */
export async function repairSettings(
  fake: HcpTerraformFake,
  workspace: FakeWorkspace,
  { agentPoolId }: { readonly agentPoolId: string },
): Promise<void> {
  await update(fake, workspace, {
    "execution-mode": "agent",
    "agent-pool-id": agentPoolId,
    "setting-overwrites": { "execution-mode": true, "agent-pool": true },
  });
}

/** Its requests when it is destroyed: mode `remote`, and the defaults of all else. @see `Delete` in the same file */
export async function destroySettings(fake: HcpTerraformFake, workspace: FakeWorkspace): Promise<void> {
  await update(fake, workspace, {
    "execution-mode": "remote",
    "setting-overwrites": { "execution-mode": false, "agent-pool": false },
  });
}

async function update(fake: HcpTerraformFake, { id, remoteStateConsumers }: FakeWorkspace, execution: object) {
  const consumers = [...remoteStateConsumers].map((consumer) => ({ type: "workspaces", id: consumer }));
  const defaults = { "auto-apply": false, "assessments-enabled": false, "global-remote-state": false };
  await send(fake, "PATCH", `/workspaces/${id}`, {
    data: { type: "workspaces", attributes: { ...defaults, ...execution } },
  });
  await send(fake, "DELETE", `/workspaces/${id}/relationships/remote-state-consumers`, { data: consumers });
}

async function send(fake: HcpTerraformFake, method: string, path: string, body: object): Promise<void> {
  const headers = { authorization: `Bearer ${fake.token}`, "content-type": "application/vnd.api+json" };
  const response = await fetch(`${fake.url}/api/v2${path}`, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`the fake answered ${response.status}: ${await response.text()}`);
}
