import * as z from "zod";
import { ownVariableRules } from "../own-variables.ts";
import { baseUrl, hcpOrganization, hcpWorkspace, oneOf, text, uniqueList, wholeNumber } from "../primitives.ts";
import { type Rule, withRules } from "../rules.ts";
import type { SecretSource } from "../secrets.ts";
import { webhook } from "../webhook.ts";

const workspaces = (what: string) => uniqueList(hcpWorkspace, 1).describe(what);

const webhookEnabled = z
  .boolean()
  .default(true)
  .describe("Whether the fleet has a public endpoint that notifications and run tasks wake it through.");

const manage = z.strictObject({
  agentPool: z
    .boolean()
    .default(false)
    .describe("Whether the stack makes the agent pool. Otherwise the pool must exist."),
  workspaces: workspaces("Workspaces that get execution mode `agent` and this pool.").default([]),
  projects: uniqueList(text(/^[\w -]{3,40}$/, "the name of a project: 3 to 40 letters, digits, spaces, - and _"))
    .default([])
    .describe("Projects whose workspaces run on this pool by default."),
  notifications: z
    .strictObject({ workspaces: workspaces("Workspaces that notify the fleet of their runs.") })
    .optional()
    .describe("Makes notification configurations that point at the fleet's webhook."),
  runTask: z
    .strictObject({
      name: text(/^[\w-]{1,90}$/, "the name of a run task: letters, digits, - and _").describe(
        "The run task's name, unique in the organization.",
      ),
      workspaces: workspaces("Workspaces that call the run task."),
      stages: uniqueList(oneOf(["pre_plan", "pre_apply"]), 1)
        .default(["pre_plan", "pre_apply"])
        .describe("When they call it."),
    })
    .optional()
    .describe("Makes an organization run task that wakes the fleet. It is advisory and always passes."),
});

/** HCP Terraform or Terraform Enterprise. */
export const hcpTerraform = withRules(
  z.strictObject({
    type: z.literal("hcp-terraform").describe("HCP Terraform or Terraform Enterprise."),
    organization: hcpOrganization.describe("The organization whose runs are served."),
    agentPool: text(/^[\w-]+$/, "the name of an agent pool: letters, digits, - and _").describe(
      "The agent pool that agents register in.",
    ),
    address: baseUrl
      .default("https://app.terraform.io")
      .describe("Base URL of HCP Terraform or of your Terraform Enterprise."),
    demand: oneOf(["api", "notifications"])
      .default("api")
      .describe(
        "Where demand is read: from the API (sees everything, needs an API token) or from notifications alone " +
          "(needs no API token, does not see speculative plans).",
      ),
    runTtlSeconds: wholeNumber(300, 604_800)
      .default(14_400)
      .describe("With demand `notifications`: how long an unfinished run without news is remembered."),
    webhook: webhook(webhookEnabled).prefault({}).describe("The fleet's endpoint for notifications and run tasks."),
    manage: manage.optional().describe("What the stack makes on the HCP Terraform side. Left out: nothing."),
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

/** See {@link hcpTerraform}. */
export type HcpTerraformConfig = z.output<typeof hcpTerraform>;

/** Variables that the stack sets itself, with the setting to use instead. */
const ownVariables = {
  TFC_AGENT_TOKEN: "secrets.agentToken",
  TFC_AGENT_NAME: "nothing, agents are named by the fleet",
  TFC_AGENT_SINGLE: "agents.singleUse",
  TFC_ADDRESS: "vendor.address",
  TFC_AGENT_AUTO_UPDATE: "compute.image, which has the agent's version",
  TFC_AGENT_LOG_JSON: "nothing, agents always log in JSON",
};

/** What an HCP Terraform fleet asks of the rest of its config. */
export const hcpTerraformRules: readonly Rule<{
  readonly vendor: HcpTerraformConfig;
  readonly secrets: { readonly notificationToken?: SecretSource | undefined };
  readonly compute: { readonly image?: unknown };
}>[] = [
  {
    path: ["compute", "image"],
    reads: [["compute", "image"]],
    check: ({ compute }) =>
      typeof compute.image === "object" ? "must name an image: HashiCorp publishes that of its agent" : undefined,
  },
  {
    path: ["secrets", "notificationToken"],
    reads: [
      ["vendor", "manage"],
      ["secrets", "notificationToken"],
    ],
    check: ({ vendor, secrets }) => {
      const user = (["notifications", "runTask"] as const).find((key) => vendor.manage?.[key]);
      const source = secrets.notificationToken;
      if (!user || (source && "variable" in source)) return undefined;
      return (
        `must be { variable: notification_token }, because vendor.manage.${user} gives the same value to ` +
        "HCP Terraform and to Secrets Manager in one apply"
      );
    },
  },
  ...ownVariableRules(ownVariables, ["compute", "environment"], ["compute", "secrets"]),
];
