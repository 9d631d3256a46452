import * as z from "zod";
import { VendorApiError } from "../../../handlers/lib/core/errors.ts";
import { connect, type Organization } from "../../../handlers/lib/vendors/azure-devops/connection.ts";
import { hookSecretHeader, jobStateEvent } from "../../../handlers/lib/vendors/azure-devops/webhook.ts";
import type { VendorDeps } from "../../../handlers/lib/vendors/deps.ts";
import { pathOf } from "../../../handlers/lib/vendors/http.ts";

/** The service hooks by which projects wake a fleet: https://learn.microsoft.com/rest/api/azure/devops/hooks. */
export interface ServiceHooks {
  /** Makes the service hook of a project that posts to `url`, or updates the existing one. */
  save(project: string, url: string, secret: string): Promise<"created" | "updated">;
  /** Removes all service hooks of a project that post to `url`. Resolves to their number. */
  remove(project: string, url: string): Promise<number>;
}

const publisherId = "pipelines";
const consumerId = "webHooks";
const version = { "api-version": "7.1" };
const project = z.object({ id: z.string() });
const subscriptions = z.object({
  value: z.array(
    z.object({
      id: z.string(),
      publisherInputs: z.looseObject({ projectId: z.string().nullish() }).nullish(),
      consumerInputs: z.looseObject({ url: z.string().nullish() }).nullish(),
    }),
  ),
});
const refusal = z.object({ message: z.string() });

/** See {@link ServiceHooks}. Throws {@link VendorApiError}. */
export function createServiceHooks(organization: Organization, deps: VendorDeps): ServiceHooks {
  const http = connect(organization, { ...deps, explain: (body) => refusal.safeParse(body).data?.message });

  async function projectId(name: string): Promise<string> {
    try {
      const path = `/projects${pathOf(name)}`;
      return (await http.json(project, { method: "GET", path, query: version })).body.id;
    } catch (error) {
      if (!(error instanceof VendorApiError) || error.kind !== "not-found") throw error;
      throw new VendorApiError("not-found", `project "${name}" does not exist, or the token may not see it`);
    }
  }

  async function find(id: string, target: string): Promise<readonly string[]> {
    const query = { ...version, publisherId, consumerId, eventType: jobStateEvent };
    const { body } = await http.json(subscriptions, { method: "GET", path: "/hooks/subscriptions", query });
    return body.value
      .filter((each) => each.publisherInputs?.projectId === id && each.consumerInputs?.url === target)
      .map((each) => each.id);
  }

  return {
    async save(name, target, secret) {
      const id = await projectId(name);
      const [known] = await find(id, target);
      const body = {
        publisherId,
        eventType: jobStateEvent,
        resourceVersion: "5.1-preview.1",
        consumerId,
        consumerActionId: "httpRequest",
        publisherInputs: { projectId: id },
        consumerInputs: {
          url: target,
          httpHeaders: `${hookSecretHeader}:${secret}`,
          resourceDetailsToSend: "none",
          messagesToSend: "none",
          detailedMessagesToSend: "none",
        },
      };
      if (known === undefined) {
        await http.send({ method: "POST", path: "/hooks/subscriptions", query: version, body, secrets: [secret] });
        return "created";
      }
      const path = `/hooks/subscriptions${pathOf(known)}`;
      await http.send({ method: "PUT", path, query: version, body: { ...body, id: known }, secrets: [secret] });
      return "updated";
    },

    async remove(name, target) {
      const known = await find(await projectId(name), target);
      for (const id of known) {
        await http.send({ method: "DELETE", path: `/hooks/subscriptions${pathOf(id)}`, query: version });
      }
      return known.length;
    },
  };
}
