import * as z from "zod";
import { attributes, document, type Handler, invalid, notFound, parse } from "./json-api.ts";
import type { HcpTerraformState } from "./state.ts";
import { view } from "./views.ts";

const overwrites = z.object({ "execution-mode": z.boolean(), "agent-pool": z.boolean() }).partial();
const workspacePatch = attributes({
  "execution-mode": z.enum(["remote", "local", "agent"]).optional(),
  "agent-pool-id": z.string().optional(),
  "setting-overwrites": overwrites.optional(),
  "auto-apply": z.boolean().optional(),
  "assessments-enabled": z.boolean().optional(),
  "global-remote-state": z.boolean().optional(),
});
const consumers = z.object({ data: z.array(z.object({ type: z.literal("workspaces"), id: z.string() })) });

/**
 * One workspace by its id. Attributes that a PATCH leaves out stay. A pool needs mode `agent`, and mode `agent` a pool.
 * A value makes the setting the workspace's own; `false` in `setting-overwrites` gives it the default again.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/workspaces#update-a-workspace and
 *   `WorkspaceUpdateOptions` in hashicorp/go-tfe
 */
export function workspaceRoutes(state: HcpTerraformState): Record<string, Handler> {
  return {
    "GET /workspaces/:id": (_request, id) => {
      const workspace = state.workspaces.get(id);
      return workspace ? document(200, view.workspace(workspace, state)) : notFound;
    },
    "PATCH /workspaces/:id": (request, id) => {
      const workspace = state.workspaces.get(id);
      if (!workspace) return notFound;
      const patch = parse(workspacePatch, request);
      const mode = patch["execution-mode"];
      const pool = patch["agent-pool-id"] || undefined;
      if (mode !== undefined) {
        if (mode === "agent" && pool === undefined) throw invalid("Agent pool must be given for mode agent");
        if (mode !== "agent" && pool !== undefined) throw invalid(`Agent pool must not be given for mode ${mode}`);
        if (pool !== undefined && !state.pools.has(pool)) throw invalid("Agent pool must exist");
        Object.assign(workspace, { executionMode: mode, agentPoolId: pool, inherited: false });
      } else if (patch["setting-overwrites"]?.["execution-mode"] === false) {
        Object.assign(workspace, { ...state.defaultExecution, inherited: true });
      }
      workspace.autoApply = patch["auto-apply"] ?? workspace.autoApply;
      workspace.assessmentsEnabled = patch["assessments-enabled"] ?? workspace.assessmentsEnabled;
      workspace.globalRemoteState = patch["global-remote-state"] ?? workspace.globalRemoteState;
      return document(200, view.workspace(workspace, state));
    },
    "DELETE /workspaces/:id/relationships/remote-state-consumers": (request, id) => {
      const workspace = state.workspaces.get(id);
      if (!workspace) return notFound;
      const { data } = consumers.parse(JSON.parse(request.body.toString()));
      for (const consumer of data) workspace.remoteStateConsumers.delete(consumer.id);
      return document(204);
    },
  };
}
