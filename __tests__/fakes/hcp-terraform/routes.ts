import * as z from "zod";
import type { FakeAnswer, FakeRequest } from "../http-fake.ts";
import {
  attributes,
  document,
  errorAnswer,
  type Handler,
  invalid,
  notFound,
  pageOf,
  parse,
  Unprocessable,
} from "./json-api.ts";
import { sendVerification } from "./notifications.ts";
import { type FakeNotification, type HcpTerraformState, isFinal } from "./state.ts";
import { progress, view } from "./views.ts";
import { workspaceRoutes } from "./workspaces.ts";

const maxNotificationsPerWorkspace = 20;

const named = attributes({ name: z.string().regex(/^[\w-]+$/) });
const described = attributes({ description: z.string() });
const notificationShape = {
  name: z.string(),
  url: z.string(),
  token: z.string(),
  triggers: z.array(z.string()),
  enabled: z.boolean(),
};
const newNotification = attributes({ ...notificationShape, "destination-type": z.literal("generic") });
const notificationPatch = attributes(z.object(notificationShape).partial().shape);
const newConfigurationVersion = attributes({
  "auto-queue-runs": z.literal(false),
  speculative: z.boolean().default(false),
});
const newRun = z.object({
  data: z.object({
    attributes: z.object({
      message: z.string().default("Triggered via API"),
      "auto-apply": z.boolean().default(false),
      "plan-only": z.boolean().default(false),
    }),
    relationships: z.object({
      workspace: z.object({ data: z.object({ id: z.string() }) }),
      "configuration-version": z.object({ data: z.object({ id: z.string() }) }),
    }),
  }),
});

/** What the API answers to a request that is authorized; `undefined` where it has no such route. */
export function createRoutes(state: HcpTerraformState, url: () => string) {
  const runListTimes: number[] = [];

  const routes: Record<string, Handler> = {
    "GET /organizations/:org/agent-pools": (request) =>
      pageOf(request, search(request, state.pools).map(view.pool), { totals: true }),
    "POST /organizations/:org/agent-pools": (request) => {
      const { name } = parse(named, request);
      if ([...state.pools.values()].some((pool) => pool.name === name)) throw invalid("Name has already been taken");
      return document(201, view.pool(state.addPool(name)));
    },
    "GET /agent-pools/:id/agents": (request, id) => {
      if (!state.pools.has(id)) return notFound;
      const agents = [...state.agents.values()].filter((agent) => agent.poolId === id);
      return pageOf(request, agents.map(view.agent), { totals: true });
    },
    "GET /agent-pools/:id/authentication-tokens": (request, poolId) => {
      if (!state.pools.has(poolId)) return notFound;
      const tokens = [...state.agentTokens.values()].filter((token) => token.poolId === poolId);
      const shown = tokens.map(({ id, description, createdAt, lastUsedAt = null }) => ({
        id,
        type: "authentication-tokens",
        attributes: { description, "created-at": createdAt, "last-used-at": lastUsedAt },
      }));
      return pageOf(request, shown, { totals: true });
    },
    "POST /agent-pools/:id/authentication-tokens": (request, poolId) => {
      if (!state.pools.has(poolId)) return notFound;
      const id = state.newId("at");
      const token = {
        id,
        poolId,
        description: parse(described, request).description,
        value: `canary-agent-token-${id}`,
        createdAt: new Date(Date.UTC(2026, 0, 1) + state.agentTokens.size * 1000).toISOString(),
      };
      state.agentTokens.set(id, token);
      const shown = { description: token.description, token: token.value };
      return document(201, { id, type: "authentication-tokens", attributes: shown });
    },
    "DELETE /authentication-tokens/:id": (_request, id) => (state.agentTokens.delete(id) ? document(204) : notFound),
    "DELETE /agents/:id": (_request, id) => {
      const agent = state.agents.get(id);
      if (!agent) return notFound;
      if (!["unknown", "errored", "exited"].includes(agent.status)) return errorAnswer(412, "precondition failed");
      state.agents.delete(id);
      return document(204);
    },
    "GET /organizations/:org/workspaces": (request) =>
      pageOf(
        request,
        search(request, state.workspaces).map((each) => view.workspace(each, state)),
        { totals: true },
      ),
    "GET /organizations/:org/workspaces/:name": (_request, _org, name) => {
      const workspace = [...state.workspaces.values()].find((candidate) => candidate.name === name);
      return workspace ? document(200, view.workspace(workspace, state)) : notFound;
    },
    ...workspaceRoutes(state),
    "GET /workspaces/:id/notification-configurations": (request, id) =>
      state.workspaces.has(id)
        ? pageOf(request, notificationsOf(id).map(view.notification), { totals: true })
        : notFound,
    "POST /workspaces/:id/notification-configurations": async (request, workspaceId) => {
      if (!state.workspaces.has(workspaceId)) return notFound;
      if (notificationsOf(workspaceId).length >= maxNotificationsPerWorkspace) {
        throw invalid("Too many notification configurations");
      }
      const { "destination-type": _type, ...fields } = parse(newNotification, request);
      return saveNotification({ ...fields, id: state.newId("nc"), workspaceId }, 201);
    },
    "PATCH /notification-configurations/:id": async (request, id) => {
      const existing = state.notifications.get(id);
      if (!existing) return notFound;
      const changes = Object.entries(parse(notificationPatch, request)).filter(([, value]) => value !== undefined);
      return saveNotification({ ...existing, ...Object.fromEntries(changes) }, 200);
    },
    "POST /workspaces/:id/configuration-versions": (request, workspaceId) => {
      if (!state.workspaces.has(workspaceId)) return notFound;
      const { speculative } = parse(newConfigurationVersion, request);
      const version = { id: state.newId("cv"), workspaceId, speculative, content: undefined };
      state.configurationVersions.set(version.id, version);
      return document(201, view.configurationVersion(version, url()));
    },
    "GET /configuration-versions/:id": (_request, id) => {
      const version = state.configurationVersions.get(id);
      return version ? document(200, view.configurationVersion(version, url())) : notFound;
    },
    "GET /organizations/:org/runs": (request) => {
      const refusal = overRunListLimit();
      if (refusal) return refusal;
      if (!state.listsOrganizationRuns) return notFound;
      return pageOf(request, runsAskedFor(request).map(view.run), { totals: false });
    },
    "POST /runs": (request) => {
      const { attributes: wanted, relationships } = newRun.parse(JSON.parse(request.body.toString())).data;
      const workspaceId = relationships.workspace.data.id;
      const configurationVersionId = relationships["configuration-version"].data.id;
      if (!state.workspaces.has(workspaceId)) return notFound;
      if (!state.configurationVersions.get(configurationVersionId)?.content) {
        throw invalid("Configuration version has no uploaded content");
      }
      const run = state.addRun({
        workspaceId,
        configurationVersionId,
        message: wanted.message,
        autoApply: wanted["auto-apply"],
        planOnly: wanted["plan-only"],
        upcoming: wanted["plan-only"] ? ["planning", "planned_and_finished"] : [...state.progress],
      });
      return document(201, view.run(run));
    },
    "GET /runs/:id": (_request, id) => {
      const run = state.runs.get(id);
      if (!run) return notFound;
      progress(state, run);
      return document(200, view.run(run));
    },
    "POST /runs/:id/actions/cancel": (_request, id) => stop(id, "is-cancelable", "canceled"),
    "POST /runs/:id/actions/discard": (_request, id) => stop(id, "is-discardable", "discarded"),
    "GET /plans/:id": (_request, id) => document(200, view.phase("plans", id, url())),
    "GET /applies/:id": (_request, id) => document(200, view.phase("applies", id, url())),
  };

  /** The run's end. A status that does not allow it is a conflict. */
  function stop(id: string, allowedBy: "is-cancelable" | "is-discardable", status: string): FakeAnswer {
    const run = state.runs.get(id);
    if (!run) return notFound;
    if (!view.run(run).attributes.actions[allowedBy])
      return { status: 409, json: { errors: [{ title: "transition not allowed" }] } };
    state.finishRun(id, status);
    return { status: 202, json: null };
  }

  function notificationsOf(workspaceId: string): FakeNotification[] {
    return [...state.notifications.values()].filter((candidate) => candidate.workspaceId === workspaceId);
  }

  /** The newest first. Without filters it is every run there has ever been. */
  function runsAskedFor({ query }: FakeRequest) {
    const wanted = (name: string) => query.get(`filter[${name}]`)?.split(",");
    const [pools, statuses, groups] = ["agent_pool_names", "status", "status_group"].map(wanted);
    return [...state.runs.values()].reverse().filter((run) => {
      const poolId = state.workspaces.get(run.workspaceId)?.agentPoolId;
      const pool = poolId === undefined ? undefined : state.pools.get(poolId)?.name;
      const fits = (asked: readonly string[] | undefined, value: string | undefined) =>
        asked === undefined || (value !== undefined && asked.includes(value));
      const group = isFinal(run) ? "final" : "non_final";
      return fits(pools, pool) && fits(statuses, run.status) && fits(groups, group);
    });
  }

  /** As the API does, only after the destination has answered the handshake with a 2xx. */
  async function saveNotification(configuration: FakeNotification, status: number): Promise<FakeAnswer> {
    const answered = configuration.enabled ? await sendVerification(configuration) : 200;
    if (answered < 200 || answered >= 300) {
      return errorAnswer(400, "bad request", `The verification request was answered with ${answered}`);
    }
    state.notifications.set(configuration.id, configuration);
    return document(status, view.notification(configuration));
  }

  function overRunListLimit(): FakeAnswer | undefined {
    if (state.runListsPerMinute === undefined) return undefined;
    const now = state.clock.now().getTime();
    while (runListTimes[0] !== undefined && runListTimes[0] <= now - 60_000) runListTimes.shift();
    const oldest = runListTimes[0];
    if (oldest !== undefined && runListTimes.length >= state.runListsPerMinute) {
      const seconds = Math.ceil((oldest + 60_000 - now) / 1000);
      return { ...errorAnswer(429, "too many requests"), headers: { "retry-after": String(seconds) } };
    }
    runListTimes.push(now);
    return undefined;
  }

  const compiled = Object.entries(routes).map(([route, handler]) => {
    const [method, template = ""] = route.split(" ");
    return { method, pattern: new RegExp(`^/api/v2${template.replaceAll(/:\w+/g, "([^/]+)")}$`), handler };
  });

  return async (request: FakeRequest): Promise<FakeAnswer> => {
    for (const { method, pattern, handler } of compiled) {
      const match = method === request.method ? pattern.exec(request.path) : null;
      if (!match) continue;
      const [, first = "", second = ""] = match;
      if (request.path.startsWith("/api/v2/organizations/") && first !== state.organization) return notFound;
      try {
        return await handler(request, first, second);
      } catch (error) {
        if (error instanceof z.ZodError || error instanceof SyntaxError)
          return errorAnswer(422, "invalid", String(error));
        if (error instanceof Unprocessable) return errorAnswer(422, "invalid attribute", error.message);
        throw error;
      }
    }
    return notFound;
  };
}

/** `q` finds parts of names, as the API does, so that a caller that wants one name has to look for it. */
function search<T extends { readonly name: string }>(request: FakeRequest, items: ReadonlyMap<string, T>): T[] {
  const part = request.query.get("q") ?? "";
  return [...items.values()].filter((item) => item.name.includes(part));
}
