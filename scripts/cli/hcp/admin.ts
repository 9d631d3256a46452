import * as z from "zod";
import { createBlanker } from "../../../handlers/lib/core/blanker.ts";
import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import { createHcpTerraformApi, type HcpTerraformApiOptions } from "../../../handlers/lib/vendors/hcp-terraform/api.ts";
import { pathOf } from "../../../handlers/lib/vendors/http.ts";
import { createRunCalls, type RunCalls } from "./runs.ts";

/** An agent pool. */
export interface AgentPool {
  readonly id: string;
}

/** A token of a pool's agents. The API shows its value to nobody. */
export interface AgentToken {
  readonly id: string;
  readonly description: string;
  readonly createdAt: Date;
  /** `undefined`: never. */
  readonly lastUsedAt: Date | undefined;
}

/** Where the runs of a workspace execute. */
export interface Execution {
  readonly executionMode: string;
  readonly agentPoolId: string | undefined;
  /** Whether the workspace has no settings of its own and follows its project or organization. */
  readonly inherited: boolean;
}

/** The fields of a workspace that fleets use. */
export interface Workspace extends Execution {
  readonly id: string;
  readonly name: string;
}

/** The settings of a generic notification configuration. The token is the HMAC key; the API never returns it. */
export interface NotificationSettings {
  readonly name: string;
  readonly url: string;
  readonly token: string;
  readonly triggers: readonly string[];
}

/**
 * An operator's calls in an organization. Every call may reject with a `VendorApiError`; its message contains the API's
 * reason.
 */
export interface HcpTerraformAdmin extends RunCalls {
  findAgentPool(organization: string, name: string): Promise<AgentPool | undefined>;
  createAgentPool(organization: string, name: string): Promise<AgentPool>;
  /** The API returns the token's value only this once. */
  createAgentToken(poolId: string, description: string): Promise<{ readonly id: string; readonly value: string }>;
  /** The tokens of a pool, without their values. */
  listAgentTokens(poolId: string): Promise<readonly AgentToken[]>;
  /** Resolves to `false` if there was no such token. */
  deleteAgentToken(id: string): Promise<boolean>;
  /** The workspace with exactly this name. */
  findWorkspace(organization: string, name: string): Promise<Workspace | undefined>;
  /** The workspace with this id. */
  getWorkspace(id: string): Promise<Workspace | undefined>;
  /** Changes where a workspace's runs execute, and nothing else. */
  setExecution(workspaceId: string, execution: Execution): Promise<void>;
  /** Lets the workspace run on the pool's agents. Resolves to `false` if it did already. */
  setAgentPool(workspace: Workspace, poolId: string): Promise<boolean>;
  /** The generic configurations of a workspace. */
  listNotifications(workspaceId: string): Promise<readonly { readonly id: string; readonly url: string }[]>;
  createNotification(workspaceId: string, settings: NotificationSettings): Promise<void>;
  updateNotification(id: string, settings: NotificationSettings): Promise<void>;
}

const longestExplanation = 300;

const identified = z.object({ data: z.object({ id: z.string() }) });
const token = z.object({ data: z.object({ id: z.string(), attributes: z.object({ token: z.string() }) }) });
/** @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/agent-tokens#list-agent-tokens */
const listedToken = z.object({
  id: z.string(),
  attributes: z.object({
    description: z.string().nullish(),
    "created-at": z.iso.datetime({ offset: true }),
    "last-used-at": z.iso.datetime({ offset: true }).nullish(),
  }),
});
const workspace = z.object({
  data: z.object({
    id: z.string(),
    attributes: z.object({
      name: z.string(),
      "execution-mode": z.string(),
      // Terraform Enterprise from before projects had defaults does not tell.
      "setting-overwrites": z.object({ "execution-mode": z.boolean().nullish() }).nullish(),
    }),
    relationships: z.object({ "agent-pool": z.object({ data: identified.shape.data.nullish() }).nullish() }).nullish(),
  }),
});
const notification = z.object({
  id: z.string(),
  attributes: z.object({ url: z.string().nullish(), "destination-type": z.string() }),
});
const errors = z.object({ errors: z.array(z.object({ title: z.string().nullish(), detail: z.string().nullish() })) });

/** See {@link HcpTerraformAdmin}. */
export function createHcpTerraformAdmin(
  options: Omit<HcpTerraformApiOptions, "explain" | "blanker">,
): HcpTerraformAdmin {
  const blanker = createBlanker();
  const api = createHcpTerraformApi({ ...options, explain, blanker });
  async function setExecution(workspaceId: string, execution: Execution): Promise<void> {
    const body = { data: { type: "workspaces", attributes: executionAttributes(execution) } };
    await api.send({ method: "PATCH", path: pathOf("workspaces", workspaceId), body });
  }

  return {
    ...createRunCalls(api, { ...options, explain, blanker }),
    findAgentPool: api.findAgentPool,

    async createAgentPool(organization, name) {
      const body = { data: { type: "agent-pools", attributes: { name } } };
      const path = pathOf("organizations", organization, "agent-pools");
      return (await api.json(identified, { method: "POST", path, body })).body.data;
    },

    async createAgentToken(poolId, description) {
      const body = { data: { type: "authentication-tokens", attributes: { description } } };
      const path = pathOf("agent-pools", poolId, "authentication-tokens");
      const { data } = (await api.json(token, { method: "POST", path, body, credentialField: "token" })).body;
      return { id: data.id, value: data.attributes.token };
    },

    async listAgentTokens(poolId) {
      const { items } = await api.list(listedToken, { path: pathOf("agent-pools", poolId, "authentication-tokens") });
      return items.map(({ id, attributes: { description, "created-at": createdAt, "last-used-at": lastUsedAt } }) => ({
        id,
        description: description ?? "",
        createdAt: new Date(createdAt),
        lastUsedAt: lastUsedAt ? new Date(lastUsedAt) : undefined,
      }));
    },

    async deleteAgentToken(id) {
      const sent = api.send({ method: "DELETE", path: pathOf("authentication-tokens", id) });
      return (await unlessAbsent(sent)) !== undefined;
    },

    async findWorkspace(organization, name) {
      const path = pathOf("organizations", organization, "workspaces", name);
      const found = await unlessAbsent(api.json(workspace, { method: "GET", path }));
      return found?.body.data.attributes.name === name ? workspaceOf(found.body) : undefined;
    },

    async getWorkspace(id) {
      const found = await unlessAbsent(api.json(workspace, { method: "GET", path: pathOf("workspaces", id) }));
      return found && workspaceOf(found.body);
    },

    setExecution,

    async setAgentPool({ id, executionMode, agentPoolId }, poolId) {
      if (executionMode === "agent" && agentPoolId === poolId) return false;
      await setExecution(id, { executionMode: "agent", agentPoolId: poolId, inherited: false });
      return true;
    },

    async listNotifications(workspaceId) {
      const path = pathOf("workspaces", workspaceId, "notification-configurations");
      const { items } = await api.list(notification, { path });
      return items.flatMap(({ id, attributes: { url, "destination-type": type } }) =>
        type === "generic" && url ? [{ id, url }] : [],
      );
    },

    async createNotification(workspaceId, settings) {
      const path = pathOf("workspaces", workspaceId, "notification-configurations");
      await api.send({ method: "POST", path, body: notificationBody(settings), secrets: [settings.token] });
    },

    async updateNotification(id, settings) {
      const path = pathOf("notification-configurations", id);
      await api.send({ method: "PATCH", path, body: notificationBody(settings), secrets: [settings.token] });
    },
  };
}

function workspaceOf({ data: { id, attributes, relationships } }: z.output<typeof workspace>): Workspace {
  return {
    id,
    name: attributes.name,
    executionMode: attributes["execution-mode"],
    agentPoolId: relationships?.["agent-pool"]?.data?.id,
    inherited: attributes["setting-overwrites"]?.["execution-mode"] === false,
  };
}

/**
 * The attributes of a PATCH for it. A pool is only allowed with mode `agent`. A value makes the setting the workspace's
 * own; only `false` in `setting-overwrites` lets it inherit again.
 *
 * @see https://developer.hashicorp.com/terraform/cloud-docs/api-docs/workspaces#update-a-workspace
 */
function executionAttributes({ executionMode, agentPoolId, inherited }: Execution): object {
  if (inherited) return { "setting-overwrites": { "execution-mode": false, "agent-pool": false } };
  return { "execution-mode": executionMode, ...(executionMode === "agent" && { "agent-pool-id": agentPoolId }) };
}

function notificationBody({ name, url, token, triggers }: NotificationSettings) {
  const attributes = { name, url, token, triggers, enabled: true, "destination-type": "generic" };
  return { data: { type: "notification-configurations", attributes } };
}

async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof VendorApiError && error.kind === "not-found") return undefined;
    throw error;
  }
}

/** JSON:API errors, in one line. */
function explain(body: unknown): string | undefined {
  const parsed = errors.safeParse(body);
  if (!parsed.success) return undefined;
  const told = parsed.data.errors.map(({ title, detail }) => detail || title).filter(Boolean);
  return told.length > 0 ? told.join("; ").slice(0, longestExplanation) : undefined;
}
