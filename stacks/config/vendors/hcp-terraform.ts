import * as z from "zod";
import { ownVariableRules } from "../own-variables.ts";
import { baseUrl, hcpOrganization, hcpWorkspace, oneOf, text, uniqueList, wholeNumber } from "../primitives.ts";
import { warning } from "../reading/explain.ts";
import { withRules } from "../rules.ts";
import { webhook } from "../webhook.ts";
import { defineVendor } from "./definition.ts";
import { outboundFields } from "./outbound.ts";
import { keyChange } from "./tfe-provider.ts";

const publicAddress = "https://app.terraform.io";
const tfcAgentMinimumMiB = 2048;

const workspaces = (what: string) => uniqueList(hcpWorkspace, 1).describe(what);

const webhookEnabled = z
  .boolean()
  .default(true)
  .describe("Whether the fleet has a public endpoint for notifications and run tasks, which wake the loop.");

const manage = z.strictObject({
  agentPool: z
    .boolean()
    .default(false)
    .describe("Whether the stack creates the agent pool. Otherwise the pool must exist."),
  forgetWorkspaces: workspaces(
    "Workspaces that an earlier version of this stack managed. Terraform forgets them and leaves their settings " +
      "alone. Leave it out after the next deploy.",
  ).default([]),
  projects: uniqueList(text(/^[\w -]{3,40}$/, "the name of a project: 3 to 40 letters, digits, spaces, - and _"))
    .default([])
    .describe("Projects that use this pool as the default for their workspaces."),
  notifications: z
    .strictObject({ workspaces: workspaces("Workspaces that notify the fleet of their runs.") })
    .optional()
    .describe("Creates notification configurations that point at the fleet's webhook."),
  runTask: z
    .strictObject({
      name: text(/^[\w-]{1,90}$/, "the name of a run task: letters, digits, - and _").describe(
        "The run task's name, unique in the organization.",
      ),
      workspaces: workspaces("Workspaces that call the run task."),
      stages: uniqueList(oneOf(["pre_plan", "pre_apply"]), 1)
        .default(["pre_plan", "pre_apply"])
        .describe("Stages of a run that call it."),
    })
    .optional()
    .describe("Creates an organization run task that wakes the loop. It is advisory and always passes."),
});

const schema = withRules(
  z.strictObject({
    type: z.literal("hcp-terraform").describe("HCP Terraform or Terraform Enterprise."),
    organization: hcpOrganization.describe("The organization of the agent pool and its runs."),
    agentPool: text(/^[\w-]+$/, "the name of an agent pool: letters, digits, - and _").describe(
      "The agent pool that agents register in.",
    ),
    address: baseUrl.default(publicAddress).describe("Base URL of HCP Terraform or of your Terraform Enterprise."),
    ...outboundFields,
    demand: oneOf(["api", "notifications"])
      .default("api")
      .describe(
        "Source of demand: the API (sees everything, needs an API token) or notifications only " +
          "(needs no API token, does not see speculative plans).",
      ),
    runTtlSeconds: wholeNumber(300, 604_800)
      .default(14_400)
      .describe("With demand `notifications`: how long an unfinished run counts after its last notification."),
    webhook: webhook(webhookEnabled, "demand `notifications`")
      .prefault({})
      .describe("The fleet's endpoint for notifications and run tasks."),
    manage: manage.optional().describe("Resources that the stack creates in HCP Terraform. Left out: nothing."),
  }),
  [
    {
      path: ["webhook", "enabled"],
      reads: [["demand"], ["webhook"], ["manage"]],
      check: ({ demand, webhook: { enabled }, manage: managed }) => {
        if (enabled) return undefined;
        if (demand === "notifications") return "must be true, because vendor.demand is notifications";
        if (managed?.notifications) return "must be true, because vendor.manage.notifications points at the webhook";
        if (managed?.runTask) return "must be true, because vendor.manage.runTask points at the webhook";
        return undefined;
      },
    },
  ],
);

/** The value of `vendor` in an HCP Terraform fleet. */
export type HcpTerraformConfig = z.output<typeof schema>;

/** The resources in HCP Terraform that get the HMAC key. */
const givesKey = ["notifications", "runTask"] as const;

/** Variables that the stack sets itself, with the setting to use instead. */
const ownVariables = {
  TFC_AGENT_TOKEN: "secrets.agentToken",
  TFC_AGENT_NAME: "nothing, the fleet names its agents",
  TFC_AGENT_SINGLE: "agents.singleUse",
  TFC_ADDRESS: "vendor.address",
  TFC_AGENT_AUTO_UPDATE: "compute.image, which contains the agent's version",
  TFC_AGENT_LOG_JSON: "nothing, agents always log in JSON",
};

/** HCP Terraform or Terraform Enterprise. */
export const hcpTerraformVendor = defineVendor({
  id: "hcp-terraform",
  kind: "ecs-fleet",
  schema,
  starter: {
    organization: { key: "organization", asks: "Organization" },
    pool: { key: "agentPool", asks: "Agent pool, by its name" },
    url: { key: "address", asks: "URL of your Terraform Enterprise (empty: HCP Terraform)" },
  },
  asksInstances: false,
  readsOwnTags: false,
  severalPools: false,
  secrets: {
    agentToken: { name: "agent-token", description: "Token that agents register with.", variable: "tfc_agent_token" },
    apiToken: {
      name: "api-token",
      description: "Token that the loop reads the vendor's API with.",
      variable: "tfc_api_token",
    },
    notificationToken: {
      name: "notification-token",
      description: "The HMAC key of notifications and run tasks.",
      variable: "notification_token",
      signs: true,
      previousCounts: true,
    },
  },
  rules: [
    {
      path: ["compute", "image"],
      reads: [["compute", "image"]],
      check: ({ compute }) =>
        typeof compute.image === "object"
          ? "must name an image, not build one: HashiCorp publishes the image of its agent"
          : undefined,
    },
    {
      path: ["secrets", "notificationToken"],
      reads: [
        ["vendor", "manage"],
        ["secrets", "notificationToken"],
      ],
      check: ({ vendor, secrets }) => {
        const user = givesKey.find((key) => vendor.manage?.[key]);
        const source = secrets.notificationToken;
        if (!user || (source && "variable" in source)) return undefined;
        return (
          `must be { variable: notification_token }, because vendor.manage.${user} gives the same value to ` +
          "HCP Terraform and to Secrets Manager in one apply"
        );
      },
    },
    {
      path: ["providers", "tfe"],
      reads: [
        ["vendor", "manage"],
        ["providers", "tfe"],
      ],
      check: ({ vendor, providers }) => {
        const user = givesKey.find((key) => vendor.manage?.[key]);
        if (!user || keyChange(providers.tfe)) return undefined;
        return (
          'must allow only versions below 0.75, such as ">= 0.71, < 0.75", or only later ones than 0.75, such as ' +
          `">= 0.76": from 0.75 on, the key of vendor.manage.${user} needs a version that older ones do not know`
        );
      },
    },
    ...ownVariableRules(ownVariables, ["compute", "environment"], ["compute", "secrets"]),
  ],
  reaches: ({ address, manage: managed }) => ({
    address: address === publicAddress ? publicAddress : undefined,
    agents: [],
    // With run tasks, the webhook also runs in the network and wakes the loop from there.
    functions: managed?.runTask ? ["lambda"] : [],
  }),
  warnings({ agents, compute, secrets, vendor }) {
    const told = vendor.demand === "notifications";
    const upstream =
      typeof compute.image !== "string" || /^(?:docker\.io\/)?hashicorp\/tfc-agent[:@]/.test(compute.image);
    return [
      compute.readonlyRootFilesystem &&
        compute.capacityProvider === undefined &&
        upstream &&
        warning(
          ["compute", "readonlyRootFilesystem"],
          "is true: on Fargate the image must declare the agents' writable folders with VOLUME, and hashicorp/tfc-agent does not",
        ),
      compute.memoryMiB < tfcAgentMinimumMiB &&
        warning(
          ["compute", "memoryMiB"],
          `${compute.memoryMiB} is below tfc-agent's documented minimum of ${tfcAgentMinimumMiB}: jobs may run out of memory`,
        ),
      !agents.singleUse &&
        agents.idleTimeoutSeconds === 0 &&
        warning(
          ["agents", "idleTimeoutSeconds"],
          "is 0 while agents are not single-use: they leave only at maxLifetimeSeconds",
        ),
      told &&
        secrets.apiToken !== undefined &&
        warning(["secrets", "apiToken"], "is not used: with demand `notifications` the loop does not read the API"),
      told &&
        agents.min === 0 &&
        (typeof agents.buffer !== "number" || agents.buffer === 0) &&
        !vendor.manage?.runTask?.stages.includes("pre_apply") &&
        warning(
          ["agents", "min"],
          "is 0 with demand `notifications`: HCP Terraform sends no notification of a confirmed apply, so keep an agent for it " +
            "or use vendor.manage.runTask before applies",
        ),
    ];
  },
});
