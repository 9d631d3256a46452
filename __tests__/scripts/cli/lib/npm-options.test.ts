import { describe, expect, it } from "vitest";
import { fleet } from "../harness.ts";

/** What npm does with `npm run fleet deploy a --auto-approve`: it keeps the option, and sets a variable. */
const throughNpm = (more: Readonly<Record<string, string>>) => ({ npm_lifecycle_event: "fleet", ...more });

describe("options that npm took for itself, because two dashes were missing", () => {
  it.each([
    ["hcp run ci-agents", { npm_config_plan_only: "true" }, "--plan-only"],
    ["deploy ci-agents", { npm_config_auto_approve: "true" }, "--auto-approve"],
    ["diff ci-agents", { npm_config_synth: "" }, "--no-synth"],
    ["hcp token delete at-1", { npm_config_host: "tfe.example" }, "--host"],
    ["secret set ci-agents api-token", { npm_config_revoke_previous: "true" }, "--revoke-previous"],
  ])("stops fleet %s before it does anything without them", async (line, env, option) => {
    const args = line.split(" ");
    const { code, stdout, stderr } = await fleet(args, { env: throughNpm(env), stdin: "value" });
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr:
        `fleet: npm took ${option} for itself. Nothing was done.\n` +
        `Write two dashes before what is for fleet: npm run fleet -- ${args.join(" ")} ${option}\n`,
    });
  });

  it("lets a command run whose own options came through", async () => {
    const env = throughNpm({ npm_config_auto_approve: "true" });
    const { stderr } = await fleet(["deploy", "ci-agents", "--auto-approve", "--no-synth"], { env });
    expect(stderr).not.toContain("npm took");
  });

  it.each([
    ["outside of npm run fleet", { npm_config_synth: "" }],
    ["for settings of npm itself", throughNpm({ npm_config_json: "true", npm_config_force: "true" })],
    ["for options of other commands", throughNpm({ npm_config_plan_only: "true" })],
  ])("says nothing %s", async (_, env) => {
    const { stderr } = await fleet(["diff", "ci-agents", "--no-synth"], { env });
    expect(stderr).not.toContain("npm took");
  });
});
