import * as z from "zod";
import { hcpOrganization, hcpWorkspace, hostname, oneOf, text, uniqueList } from "../primitives.ts";
import { withRules } from "../rules.ts";
import { serviceName } from "./services.ts";

const deployed = z
  .array(serviceName)
  .min(1)
  .optional()
  .describe("Names of the services that it may deploy. Left out: all.");

const github = withRules(
  z.strictObject({
    repository: text(/^[\w.-]+\/[\w.-]+$/, "owner/repository").describe("A GitHub repository."),
    branch: text(/^[\w./-]{1,200}$/, "the name of a branch, without a wildcard")
      .optional()
      .describe("Runs of this branch."),
    environment: text(/^[\w./-]{1,200}$/, "the name of an environment, without a wildcard")
      .optional()
      .describe("Jobs of this environment, which GitHub can protect."),
    services: deployed,
  }),
  [
    {
      path: [],
      reads: [["branch"], ["environment"]],
      check: ({ branch, environment }) =>
        (branch === undefined) === (environment === undefined)
          ? "must have either branch or environment, so that not every run of the repository can deploy"
          : undefined,
    },
  ],
);

const hcpTerraform = z.strictObject({
  hostname: hostname.default("app.terraform.io").describe("Host of HCP Terraform or Terraform Enterprise."),
  organization: hcpOrganization.describe("The organization."),
  project: text(/^[\w -]{1,40}$/, "the name of a project").describe("The workspace's project."),
  workspace: hcpWorkspace.describe("The workspace."),
  phases: uniqueList(oneOf(["plan", "apply"]), 1)
    .default(["apply"])
    .describe("Phases of a run that may deploy."),
  services: deployed,
});

/** Pipelines that may deploy new versions of the services. They sign in by OIDC, without a key. */
export const deployer = withRules(
  z.strictObject({
    github: z.array(github).default([]).describe("Branches or environments of GitHub repositories."),
    hcpTerraform: z.array(hcpTerraform).default([]).describe("HCP Terraform workspaces."),
    createProviders: z
      .boolean()
      .default(false)
      .describe(
        "Whether the stack creates the OIDC providers. AWS allows one per address and account. Left out: they must exist.",
      ),
  }),
  [
    {
      path: [],
      reads: [["github"], ["hcpTerraform"]],
      check: ({ github: repositories, hcpTerraform: workspaces }) =>
        repositories.length + workspaces.length === 0 ? "must have an entry in github or hcpTerraform" : undefined,
    },
  ],
);

/** See {@link deployer}. */
export type DeployerConfig = z.output<typeof deployer>;
