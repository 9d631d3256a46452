import { describe, expect, it } from "vitest";
import { configOf, errorsIn, messagesIn, minimal } from "../files.ts";

const vendorWith = (text: string) => minimal.replace("agentPool: aws", `agentPool: aws, ${text}`);
const inVendor = (text: string) => messagesIn(vendorWith(text));

describe("hcp-terraform", () => {
  it.each([
    "https://tfe.example.com",
    "https://tfe.example.com:8443",
    "http://127.0.0.1:8080",
    "http://localhost",
    "http://[::1]:1",
  ])("takes the address %s", (address) => {
    expect(configOf(vendorWith(`address: "${address}"`)).vendor).toMatchObject({ address });
  });

  it.each([
    "https://tfe.example.com/",
    "https://tfe.example.com/app",
    "http://tfe.example.com",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "tfe.example.com",
    "ftp://localhost",
    "https://tfe.example.com?x",
  ])("refuses the address %s", (address) => {
    expect(inVendor(`address: "${address}"`)).toEqual([
      `vendor.address: must be an https URL without path or trailing slash (http on loopback only), such as https://ci.example.com, found "${address}"`,
    ]);
  });

  it.each([
    ["demand: notifications, webhook: { enabled: false }", "vendor.demand is notifications"],
    [
      "webhook: { enabled: false }, manage: { notifications: { workspaces: [a] } }",
      "vendor.manage.notifications points at the webhook",
    ],
    [
      "webhook: { enabled: false }, manage: { runTask: { name: a, workspaces: [a] } }",
      "vendor.manage.runTask points at the webhook",
    ],
  ])("needs the webhook with %s", (text, reason) => {
    expect(inVendor(text)).toContain(`vendor.webhook.enabled: must be true, because ${reason}, found false`);
  });

  it.each([
    ["notifications: { workspaces: [a] }", "notifications"],
    ["runTask: { name: wake, workspaces: [a] }", "runTask"],
  ])("needs the notification token from a variable with %s", (managed, key) => {
    const config = vendorWith(`manage: { ${managed} }`);
    const arn = "arn:aws:ssm:us-west-2:111122223333:parameter/token";
    const message =
      `secrets.notificationToken: must be { variable: notification_token }, because vendor.manage.${key} gives the ` +
      "same value to HCP Terraform and to Secrets Manager in one apply";
    expect(errorsIn(config)[0]).toContain(`${message}, but is missing`);
    expect(errorsIn(`${config}secrets: { notificationToken: { arn: "${arn}" } }`)[0]).toContain(
      `${message}, found a mapping`,
    );
    expect(
      configOf(`${config}secrets: { notificationToken: { variable: notification_token } }`).secrets.notificationToken,
    ).toEqual({ variable: "notification_token", version: 1 });
  });

  it("tells of rules between blocks even while other keys are wrong", () => {
    const errors = errorsIn(
      `${vendorWith("manage: { runTask: { name: wake, workspaces: [a] } }, demnd: api")}agents: { max: x }\nfoo: 1\n`,
    );
    expect(errors.map((error) => error.split(": ")[1])).toEqual([
      "secrets.notificationToken",
      "vendor.demnd",
      "agents.max",
      "foo",
    ]);
  });

  it("attaches run tasks before plan and apply by default", () => {
    const config = configOf(
      `${vendorWith("manage: { runTask: { name: wake, workspaces: [a] } }")}secrets: { notificationToken: { variable: t } }`,
    );
    expect(config.vendor).toMatchObject({
      manage: {
        agentPool: false,
        forgetWorkspaces: [],
        projects: [],
        runTask: { name: "wake", workspaces: ["a"], stages: ["pre_plan", "pre_apply"] },
      },
    });
  });

  it("names what to do instead of the workspaces that a stack managed", () => {
    expect(inVendor("manage: { workspaces: [a] }")).toEqual([
      "vendor.manage.workspaces: was removed: it reset settings of workspaces that others own. If the stack is " +
        "deployed with it, call it forgetWorkspaces for one deploy, or Terraform resets them once more. Use `fleet hcp " +
        "workspaces assign` instead",
    ]);
  });

  const withKey =
    vendorWith("manage: { notifications: { workspaces: [a] } }") +
    "secrets: { notificationToken: { variable: notification_token } }\n";

  it.each([
    "0.71.0",
    "= 0.74.1",
    "~> 0.71.0",
    "< 0.75",
    ">= 0.71, < 0.75",
    ">= 0.71, != 0.72.0, <= 0.74.9",
    ">= 0.76",
    "~> 0.76",
    "> 0.76.0, < 1",
    "0.82.0",
  ])("a key for HCP Terraform fits tfe %s", (tfe) => {
    expect(configOf(`${withKey}providers: { tfe: "${tfe}" }`).providers.tfe).toBe(tfe);
  });

  it.each([
    ">= 0.71",
    "~> 0.71",
    "<= 0.75",
    "0.75.0",
    "~> 0.75.1",
    ">= 0.75",
    "< 0.76",
    "!= 0.75.0",
    "> 0.74, < 0.77",
  ])("a key for HCP Terraform fits no range as tfe %s", (tfe) => {
    expect(messagesIn(`${withKey}providers: { tfe: "${tfe}" }`)).toEqual([
      'providers.tfe: must allow only versions below 0.75, such as ">= 0.71, < 0.75", or only later ones than 0.75, ' +
        'such as ">= 0.76": from 0.75 on, the key of vendor.manage.notifications needs a version that older ones ' +
        `do not know, found "${tfe}"`,
    ]);
    const withoutKey = vendorWith("manage: { agentPool: true }");
    expect(configOf(`${withoutKey}providers: { tfe: "${tfe}" }`).providers.tfe).toBe(tfe);
  });
});
