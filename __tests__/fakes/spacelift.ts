import * as z from "zod";
import type { Clock } from "../../handlers/lib/core/ports.ts";
import { systemClock } from "../../handlers/lib/runtime/clock.ts";
import { type FakeAnswer, type FakeRequest, type HttpFake, startHttpFake } from "./http-fake.ts";
import { GraphqlError, parseOperation, type Selection, select } from "./spacelift/graphql.ts";
import { type FakeWorker, SpaceliftState } from "./spacelift/state.ts";

/** Spacelift's GraphQL API as a loopback server, for one account with one API key. */
export interface SpaceliftFake extends HttpFake {
  readonly state: SpaceliftState;
}

/** Starts the fake on a free port. `clock` times what it creates and its sessions. */
export async function startSpaceliftFake(options: { clock?: Clock } = {}): Promise<SpaceliftFake> {
  const state = new SpaceliftState(options.clock ?? systemClock, "test-secret");
  return Object.assign(await startHttpFake((request) => answer(state, request)), { state });
}

/** The field of a request, such as `workerPool`. */
export function operationOf(request: FakeRequest): string {
  const { query, variables } = posted.parse(JSON.parse(request.body.toString()));
  return parseOperation(query, variables).fields[0]?.name ?? "";
}

const posted = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).default({}) });

function answer(state: SpaceliftState, request: FakeRequest): FakeAnswer {
  if (request.method !== "POST" || request.path !== "/graphql") return { status: 404, text: "not found" };
  const { query, variables } = posted.parse(JSON.parse(request.body.toString()));
  try {
    const { type, fields } = parseOperation(query, variables);
    const [field] = fields;
    if (!field || fields.length > 1) throw new GraphqlError("Syntax Error");
    const resolve = resolvers[`${type}.${field.name}`];
    if (!resolve) throw new GraphqlError(`Cannot query field "${field.name}" on type "${type}".`);
    const open = state.isOpen((request.headers.authorization ?? "").replace("Bearer ", ""));
    if (!open && field.name !== "apiKeyUser") throw new GraphqlError("unauthorized");
    return json({ data: { [field.name]: resolve(state, field) } });
  } catch (error) {
    if (error instanceof GraphqlError) return json({ data: null, errors: [{ message: error.message }] });
    throw error;
  }
}

const json = (body: unknown): FakeAnswer => ({
  status: 200,
  headers: { "content-type": "application/json" },
  json: body,
});

const resolvers: Readonly<Record<string, (state: SpaceliftState, field: Selection) => unknown>> = {
  "mutation.apiKeyUser": (state, { arguments: { id, secret }, fields }) =>
    select("User", state.openSession(id, secret), fields),

  "query.workerPool": (state, { arguments: { id }, fields }) => {
    const pool = state.pools.get(String(id));
    if (!pool) return null;
    const asked = fields.find(({ name }) => name === "workers")?.fields ?? [];
    const listed = [...pool.workers.values()].filter(({ hidden }) => hidden !== true);
    const workers = listed.map((worker) => select("Worker", shown(state, worker), asked));
    return select("WorkerPool", { id: pool.id, pendingRuns: pool.pendingRuns, workers }, fields);
  },

  "query.namedWebhooksIntegration": (state, { arguments: { id }, fields }) =>
    select("NamedWebhooksIntegration", administered(state).webhooks.get(String(id)), fields),
  "mutation.namedWebhooksIntegrationCreate": (state, { arguments: { input }, fields }) =>
    saved("NamedWebhooksIntegration", administered(state).save(state.webhooks, input), fields),
  "mutation.namedWebhooksIntegrationUpdate": (state, { arguments: { id, input }, fields }) =>
    saved("NamedWebhooksIntegration", administered(state).save(state.webhooks, input, String(id)), fields),
  "query.policy": (state, { arguments: { id }, fields }) =>
    select("Policy", administered(state).policies.get(String(id)), fields),
  "mutation.policyCreatev2": (state, { arguments: { input }, fields }) =>
    saved("Policy", administered(state).save(state.policies, input), fields),
  "mutation.policyUpdatev2": (state, { arguments: { id, input }, fields }) =>
    saved("Policy", administered(state).save(state.policies, input, String(id)), fields),

  "mutation.workerDrainSet": (state, { arguments: { workerPool, id, drain }, fields }) => {
    if (!state.mayDrain) throw new GraphqlError("unauthorized");
    const worker = state.pools.get(String(workerPool))?.workers.get(String(id));
    if (!worker) throw new GraphqlError("worker not found");
    worker.drained = drain === true;
    return select("Worker", shown(state, worker), fields);
  },
};

function administered(state: SpaceliftState): SpaceliftState {
  if (!state.mayAdminister) throw new GraphqlError("unauthorized");
  return state;
}

function saved(type: string, outcome: { readonly id: string } | string, fields: readonly Selection[]): unknown {
  if (typeof outcome === "string") throw new GraphqlError(outcome);
  return select(type, { id: outcome.id }, fields);
}

function shown({ tellsIdleTimes }: SpaceliftState, worker: FakeWorker): Record<string, unknown> {
  const { availableAt, hidden: _hidden, ...rest } = worker;
  return tellsIdleTimes ? { ...rest, availableAt } : rest;
}
