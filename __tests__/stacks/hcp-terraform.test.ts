import { describe, expect, it } from "vitest";
import { minimal, resources, synthesize, theOnly } from "./synth.ts";

const managed = (manage: unknown, vendor: object = {}) =>
  synthesize({
    ...minimal,
    vendor: { ...minimal.vendor, ...vendor, manage },
    secrets: { notificationToken: { variable: "notification_token" } },
  });

describe("managed TFE resources", () => {
  it("are none, and need no tfe provider, unless asked for", () => {
    const stack = synthesize(minimal);
    expect(Object.keys(stack.resource).filter((type) => type.startsWith("tfe_"))).toEqual([]);
    expect(stack.provider).not.toHaveProperty("tfe");
  });

  it("make the pool, or look it up", () => {
    expect(theOnly(managed({ agentPool: true }), "tfe_agent_pool")).toMatchObject({
      name: "aws",
      organization: "acme",
    });
    expect(managed({ projects: ["app"] }).data).toHaveProperty("tfe_agent_pool");
  });

  it("put the default of named projects on the pool", () => {
    const stack = managed({ projects: ["Team A"] });
    expect(theOnly(stack, "tfe_project_settings")).toMatchObject({
      default_execution_mode: "agent",
      default_agent_pool_id: expect.stringContaining("data.tfe_agent_pool"),
    });
  });

  it("never hold settings of workspaces; those that a deployed stack holds are forgotten, not destroyed", () => {
    const stack = managed({
      agentPool: true,
      forgetWorkspaces: ["networking", "databases"],
      notifications: { workspaces: ["networking"] },
    });
    expect(stack.resource).not.toHaveProperty("tfe_workspace_settings");
    // The addresses that earlier versions gave to the resources, as the examples' snapshots had them.
    expect(stack.removed?.flat()).toEqual([
      { from: "tfe_workspace_settings.hcp-terraform_workspace-networking_D6C469C7", lifecycle: [{ destroy: false }] },
      { from: "tfe_workspace_settings.hcp-terraform_workspace-databases_FE47DA25", lifecycle: [{ destroy: false }] },
    ]);
    expect(managed({ agentPool: true })).not.toHaveProperty("removed");
  });

  it.each([
    [undefined, undefined],
    [">= 0.71, < 0.75", undefined],
    [">= 0.76", 3],
  ])("with tfe %s, keys of HCP Terraform have the version %s", (tfe, version) => {
    const stack = synthesize({
      ...minimal,
      vendor: {
        ...minimal.vendor,
        manage: { notifications: { workspaces: ["app"] }, runTask: { name: "wake", workspaces: ["app"] } },
      },
      secrets: { notificationToken: { variable: "notification_token", version: 3 } },
      providers: { tfe },
    });
    expect(theOnly(stack, "tfe_notification_configuration").token_wo_version).toBe(version);
    expect(theOnly(stack, "tfe_organization_run_task").hmac_key_wo_version).toBe(version);
    expect(theOnly(stack, "aws_secretsmanager_secret_version").secret_string_wo_version).toBe(3);
  });

  it("defect 8: the HMAC key goes to Secrets Manager and to TFE in one apply and nowhere else", () => {
    const stack = managed({ notifications: { workspaces: ["app"] }, runTask: { name: "wake", workspaces: ["app"] } });
    expect(theOnly(stack, "tfe_notification_configuration")).toMatchObject({
      token_wo: "${trimspace(var.notification_token)}",
      destination_type: "generic",
      enabled: true,
      triggers: ["run:created", "run:completed", "run:errored"],
      url: expect.stringMatching(/api_endpoint}\/notifications$/),
    });
    expect(theOnly(stack, "tfe_notification_configuration")).not.toHaveProperty("token");
    expect(theOnly(stack, "tfe_organization_run_task")).toMatchObject({
      hmac_key_wo: "${trimspace(var.notification_token)}",
      url: expect.stringMatching(/api_endpoint}\/run-task$/),
    });
    expect(theOnly(stack, "tfe_workspace_run_task")).toMatchObject({
      enforcement_level: "advisory",
      stages: ["pre_plan", "pre_apply"],
    });
    expect(JSON.stringify(stack).split("${trimspace(var.notification_token)}")).toHaveLength(4);
  });

  it("TFE's verification call finds the door open, the function allowed and the key in place", () => {
    const stack = managed({ notifications: { workspaces: ["app"] } });
    const ready = theOnly(stack, "tfe_notification_configuration").depends_on;
    for (const part of [
      "aws_apigatewayv2_stage.",
      "aws_apigatewayv2_route.",
      "aws_lambda_permission.webhook",
      "aws_lambda_function.webhook",
      "aws_secretsmanager_secret_version.secret-notificationToken",
      "terraform_data.secret-notificationToken_unchanged_proof",
    ]) {
      expect(ready).toContainEqual(expect.stringContaining(part));
    }
    const webhook = Object.entries(stack.resource.aws_lambda_function ?? {}).find(([id]) => id.startsWith("webhook"));
    expect(webhook?.[1].depends_on).toContainEqual(expect.stringContaining("aws_iam_role_policy.webhook"));
  });

  it("without an API token the ledger hears when a run waits for a person and when it goes on", () => {
    const stack = managed({ notifications: { workspaces: ["app"] } }, { demand: "notifications" });
    expect(theOnly(stack, "tfe_notification_configuration").triggers).toEqual(
      expect.arrayContaining(["run:needs_attention", "run:applying"]),
    );
  });

  it("reach a Terraform Enterprise host", () => {
    const stack = managed({ agentPool: true }, { address: "https://tfe.example.com" });
    expect(stack.provider.tfe).toEqual([{ hostname: "tfe.example.com", organization: "acme" }]);
    expect(resources(stack, "aws_ecs_task_definition")[0]?.container_definitions).toContain("https://tfe.example.com");
  });
});
