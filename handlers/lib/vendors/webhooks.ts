import type { WebhookVendor, WebhookVendorDeps } from "../core/webhook.ts";
import type { RuntimeOf, VendorId } from "../settings/vendors.ts";
import { createAzureDevOpsWebhook } from "./azure-devops/webhook.ts";
import { createHcpTerraformWebhook } from "./hcp-terraform/webhook.ts";
import { createSpaceliftWebhook } from "./spacelift/webhook.ts";

type WebhookFactory<Id extends VendorId> = (runtime: RuntimeOf<Id>, deps: WebhookVendorDeps) => WebhookVendor;

/** One line per vendor; `undefined`: the vendor posts no webhooks. */
const factories: { readonly [Id in VendorId]: WebhookFactory<Id> | undefined } = {
  "azure-devops": createAzureDevOpsWebhook,
  "hcp-terraform": createHcpTerraformWebhook,
  semaphore: undefined,
  spacelift: (_runtime, deps) => createSpaceliftWebhook(deps),
};

/** The webhook half of a vendor. Throws if the vendor has none: such a fleet's stack has no webhook Lambda. */
export function createWebhookVendor<Id extends VendorId>(
  runtime: RuntimeOf<Id> & { readonly type: Id },
  deps: WebhookVendorDeps,
): WebhookVendor {
  const create = factories[runtime.type];
  if (create === undefined) throw new Error(`vendor ${runtime.type} has no webhooks`);
  return create(runtime, deps);
}
