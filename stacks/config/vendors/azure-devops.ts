import * as z from "zod";
import { isProtected } from "../../../handlers/lib/core/address.ts";
import { firstOwn, ownVariableRules } from "../own-variables.ts";
import { capabilities, eachPool, poolName } from "../pools.ts";
import { presets } from "../presets.ts";
import { hostname, text, urlThat, wholeNumber } from "../primitives.ts";
import { warning } from "../reading/explain.ts";
import { withRules } from "../rules.ts";
import { webhook } from "../webhook.ts";
import { defineVendor } from "./definition.ts";
import { outboundFields } from "./outbound.ts";

const collectionUrl = urlThat(
  (url, text) =>
    !text.endsWith("/") &&
    url.search === "" &&
    url.hash === "" &&
    [text, `${text}/`].includes(url.href) &&
    isProtected(url),
  "the https URL of a collection without a trailing slash (http on loopback only), " +
    "such as https://ado.example.com/DefaultCollection",
);

const guid = (what: string) => text(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, `${what}: a GUID in lower case`);

const servicePrincipal = z.strictObject({
  tenantId: guid("the tenant's id").describe("The Entra tenant."),
  clientId: guid("the application's id").describe("The application, which is a member of the organization."),
  authorityHost: hostname.default("login.microsoftonline.com").describe("Host of the identity platform."),
});

const webhookEnabled = z
  .boolean()
  .default(false)
  .describe(
    "Whether the fleet has a public endpoint for service hooks, which wake the loop; see `fleet ado hook add`.",
  );

const schema = withRules(
  z.strictObject({
    type: z.literal("azure-devops").describe("Azure DevOps Services or Server."),
    organization: text(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,48}[A-Za-z0-9])?$/, "the name of an organization")
      .optional()
      .describe("The organization, as in https://dev.azure.com/<organization>."),
    collectionUrl: collectionUrl
      .optional()
      .describe("The URL of a collection of Azure DevOps Server, in place of `organization`."),
    poolName: poolName.optional().describe("The agent pool of a fleet with one pool. Left out: `pools` lists several."),
    poolId: wholeNumber(1, 2_147_483_647)
      .optional()
      .describe("The agent pool's id. If the id and `poolName` are of two pools, the loop fails and changes nothing."),
    servicePrincipal: servicePrincipal
      .optional()
      .describe("The Entra application that signs in, with `secrets.clientSecret`. Left out: `secrets.pat` signs in."),
    capabilities: capabilities
      .default({})
      .describe(
        "Capabilities of agents besides those of our image and compute.environment. The loop reports jobs that demand " +
          "others and does not launch for them. Each agent gets them as variables and publishes them.",
      ),
    ...outboundFields,
    webhook: webhook(webhookEnabled).prefault({}).describe("The fleet's endpoint for service hooks."),
  }),
  [
    {
      path: ["organization"],
      reads: [["organization"], ["collectionUrl"]],
      check: ({ organization, collectionUrl: url }) =>
        (organization === undefined) === (url === undefined)
          ? `must be given ${url === undefined ? "(or collectionUrl, for Azure DevOps Server)" : "only without collectionUrl"}`
          : undefined,
    },
    {
      path: ["poolId"],
      reads: [["poolId"], ["poolName"]],
      check: ({ poolId, poolName: name }) =>
        poolId !== undefined && name === undefined
          ? "needs poolName: agents register in their pool by its name"
          : undefined,
    },
  ],
);

/** The value of `vendor` in an Azure DevOps fleet. */
export type AzureDevOpsConfig = z.output<typeof schema>;

/** The organization or collection, without a trailing slash. */
export function urlOf({ organization, collectionUrl: url }: AzureDevOpsConfig): string {
  return url ?? `https://dev.azure.com/${organization}`;
}

/** Variables that the stack sets itself, with the setting to use instead. */
const ownVariables = {
  AZP_URL: "vendor.organization or vendor.collectionUrl",
  AZP_POOL: "vendor.poolName or pools",
  AZP_AGENT_NAME: "nothing, the fleet names its agents",
  AZP_TOKEN: "secrets.pat",
  AZP_CLIENTSECRET: "secrets.clientSecret",
  AZP_CLIENTID: "vendor.servicePrincipal.clientId",
  AZP_TENANTID: "vendor.servicePrincipal.tenantId",
};

/** Azure DevOps Services or Server. */
export const azureDevOpsVendor = defineVendor({
  id: "azure-devops",
  kind: "ecs-fleet",
  schema,
  starter: {
    organization: { key: "organization", asks: "Organization (empty: Azure DevOps Server)" },
    pool: { key: "poolName", asks: "Agent pool, by its name" },
    url: { key: "collectionUrl", asks: "URL of the collection", instead: true },
  },
  asksInstances: false,
  readsOwnTags: false,
  severalPools: true,
  secrets: {
    pat: { name: "pat", description: "Personal access token.", variable: "ado_pat" },
    clientSecret: {
      name: "client-secret",
      description: "Secret of the Entra application.",
      variable: "ado_client_secret",
    },
    hookSecret: {
      name: "hook-secret",
      description: "Shared secret that service hooks send.",
      variable: "ado_hook_secret",
      previousCounts: true,
    },
  },
  rules: [
    {
      path: ["pools"],
      reads: [["pools"], ["vendor"]],
      check: ({ vendor, pools }) => {
        if (pools === undefined)
          return vendor.poolName === undefined ? "must be given if vendor.poolName is left out" : undefined;
        return vendor.poolName === undefined ? undefined : "must be left out beside vendor.poolName";
      },
    },
    eachPool(["compute"], ({ compute }, { compute: { architecture, image } }) =>
      typeof compute.image !== "string" &&
      image === undefined &&
      architecture !== undefined &&
      architecture !== compute.architecture
        ? `must have a compute.image of its own for ${architecture}: the one that the stack builds is for ${compute.architecture}`
        : undefined,
    ),
    {
      path: ["compute", "repositoryCredentialsArn"],
      reads: [
        ["compute", "image"],
        ["compute", "repositoryCredentialsArn"],
      ],
      check: ({ compute }) =>
        compute.image === undefined && compute.repositoryCredentialsArn !== undefined
          ? "must be left out without compute.image: the image that the stack builds is in ECR"
          : undefined,
    },
    {
      path: ["secrets", "pat"],
      reads: [
        ["vendor", "servicePrincipal"],
        ["secrets", "pat"],
      ],
      check: ({ vendor, secrets }) =>
        vendor.servicePrincipal && secrets.pat ? "must be left out: vendor.servicePrincipal signs in" : undefined,
    },
    {
      path: ["secrets", "clientSecret"],
      reads: [
        ["vendor", "servicePrincipal"],
        ["secrets", "clientSecret"],
      ],
      check: ({ vendor, secrets }) =>
        secrets.clientSecret && !vendor.servicePrincipal
          ? "must be left out without vendor.servicePrincipal"
          : undefined,
    },
    {
      path: ["secrets", "hookSecret"],
      reads: [["vendor", "webhook"], ["secrets"]],
      check: ({ vendor, secrets }) =>
        secrets.hookSecret !== undefined && !vendor.webhook.enabled
          ? "must be left out unless vendor.webhook.enabled is true"
          : undefined,
    },
    {
      path: ["agents", "singleUse"],
      reads: [["agents"]],
      check: ({ agents: { singleUse, policy } }) => {
        if (singleUse) return undefined;
        const allowed = policy === "cheap" ? "true or left out" : `true with agents.policy ${policy}`;
        return `must be ${allowed}: agents of azure-devops leave after one job`;
      },
    },
    ...ownVariableRules(ownVariables, ["compute", "environment"], ["compute", "secrets"]),
    ...ownVariableRules({ VSO_AGENT_IGNORE: "compute.environment; the stack adds the names of secrets" }, [
      "compute",
      "secrets",
    ]),
    {
      path: ["pools"],
      reads: [["pools"]],
      check: ({ pools }) => {
        const set = (pools ?? []).flatMap(({ compute }) => Object.keys(compute.environment));
        const own = firstOwn(ownVariables, set);
        return own && `must not set the variable ${own}`;
      },
    },
  ],
  reaches: ({ organization }) => ({
    address: organization && "https://dev.azure.com",
    agents: [],
    // For retirements, which the loop starts.
    functions: ["states"],
  }),
  warnings: ({ agents }) => [
    agents.idleTimeoutSeconds !== presets[agents.policy].idleTimeoutSeconds &&
      warning(
        ["agents", "idleTimeoutSeconds"],
        "has no effect with azure-devops: the loop retires idle agents, after scaling.scaleInCooldownSeconds and scaling.scaleInAfterObservations",
      ),
  ],
});
