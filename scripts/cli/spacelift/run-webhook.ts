import * as z from "zod";
import type { VendorDeps } from "../../../handlers/lib/vendors/deps.ts";
import { createGraphql } from "../../../handlers/lib/vendors/spacelift/graphql.ts";
import type { Account } from "../../../handlers/lib/vendors/spacelift/session.ts";
import { askForNoWorker } from "../../../handlers/lib/vendors/spacelift/webhook.ts";

/** A webhook or a policy in Spacelift, and whether it is a new one. */
interface Saved {
  readonly id: string;
  readonly result: "created" | "updated";
}

/** What {@link saveRunWebhook} made. */
export interface RunWebhook {
  readonly webhook: Saved;
  readonly policy: Saved;
}

const nullableId = z.object({ id: z.string() }).nullish();

/**
 * The operations on one type of things, as https://github.com/spacelift-io/terraform-provider-spacelift and
 * https://github.com/spacelift-io/flows-app-spacelift use them.
 */
const kinds = {
  webhook: {
    get: "namedWebhooksIntegration",
    create: "namedWebhooksIntegrationCreate",
    update: "namedWebhooksIntegrationUpdate",
    inputs: ["NamedWebhooksIntegrationInput", "NamedWebhooksIntegrationInput"],
  },
  policy: {
    get: "policy",
    create: "policyCreatev2",
    update: "policyUpdatev2",
    inputs: ["PolicyCreateInput", "PolicyUpdateInput"],
  },
} as const;

/**
 * Makes a named webhook, and a notification policy that sends it the runs that ask for a worker; or updates those that
 * have this name. The id of both is made of their name (assumed for names in kebab case). Throws `VendorApiError`.
 *
 * @param key signs the messages
 * @param space the id of the space of both. Spacelift applies the policy to runs of this space, and of those that inherit
 * from it: https://docs.spacelift.io/concepts/policy/notification-policy
 */
export async function saveRunWebhook(
  {
    name,
    url,
    key,
    space,
  }: { readonly name: string; readonly url: string; readonly key: string; readonly space: string },
  account: Account,
  deps: VendorDeps,
): Promise<RunWebhook> {
  const ask = createGraphql(account, deps);

  async function save(kind: keyof typeof kinds, input: object, typed: object): Promise<Saved> {
    const { get, create, update, inputs } = kinds[kind];
    const known = await ask(z.object({ [get]: nullableId }), {
      name: `look at the ${kind} ${name}`,
      query: `query ($id: ID!) { ${get}(id: $id) { id } }`,
      variables: { id: name },
    });
    const id = known[get]?.id;
    const operation = id === undefined ? create : update;
    const saved = await ask(
      z.object({ [operation]: z.object({ id: z.string() }) }),
      id === undefined
        ? {
            name: `making of the ${kind} ${name}`,
            query: `mutation ($input: ${inputs[0]}!) { ${create}(input: $input) { id } }`,
            variables: { input: { ...input, ...typed } },
            idempotent: false,
            secrets: [key],
          }
        : {
            name: `update of the ${kind} ${name}`,
            query: `mutation ($id: ID!, $input: ${inputs[1]}!) { ${update}(id: $id, input: $input) { id } }`,
            variables: { id, input },
            secrets: [key],
          },
    );
    return { id: saved[operation]?.id ?? name, result: id === undefined ? "created" : "updated" };
  }

  const common = { name, space, labels: [] };
  const target = { ...common, endpoint: url, secret: key, enabled: true, retryOnFailure: true };
  const webhook = await save("webhook", target, {});
  const description = "Tells an agent fleet of runs that ask for a worker.";
  const policy = await save(
    "policy",
    { ...common, description, body: notificationPolicy(webhook.id) },
    { type: "NOTIFICATION" },
  );
  return { webhook, policy };
}

/** In a form that Rego reads before and since its version 1. A message without a run fits no rule. */
function notificationPolicy(webhookId: string): string {
  return `package spacelift

import future.keywords

# The fleet's webhook passes over the same states.
webhook contains {"endpoint_id": ${JSON.stringify(webhookId)}} if {
  state := input.run_updated.run.state
  not state in {${[...askForNoWorker].map((state) => JSON.stringify(state)).join(", ")}}
}
`;
}
