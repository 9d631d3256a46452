import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { minimal, synthesize } from "../stacks/synth.ts";
import { fitToEmulator } from "./fit-to-emulator.ts";
import { missingTools, mustRun, run, terraformEnvironment, useRegistry } from "./toolchain.ts";

const id = "11111111-2222-3333-4444-555555555555";
const chat = [
  { type: "slack", workspaceId: "T07EXAMPLE1", channelId: "C07EXAMPLE1" },
  { type: "teams", tenantId: id, teamId: id, channelId: "19%3ab1c2%40thread.tacv2" },
];

const missing = missingTools({ moto: false });
if (missing) process.stderr.write(`SKIPPED: terraform validate of chats. Missing here: ${missing}\n`);
if (!useRegistry) {
  process.stderr.write(
    "SKIPPED: terraform validate of chats whose API is in another region: it needs AWS provider 6\n",
  );
}

const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The emulator's stacks leave chats out, so no deployment there validates them. */
describe.skipIf(missing)("a fleet with chats", () => {
  it.each([
    ["where the service has its API", "us-west-2"],
    ...(useRegistry ? [["where it has none, so that the channel names another region", "eu-central-1"] as const] : []),
  ] as const)("is valid %s", async (_, region) => {
    const cwd = join(folder, region);
    mkdirSync(cwd);
    const text = JSON.stringify(synthesize({ ...minimal, region, alarms: { chat } }));
    const providers = useRegistry ? "all" : "aws alone";
    const fitted = fitToEmulator(text, { stack: "ci", providers, keepsChats: true, zip: () => "" });
    expect(fitted.leftOut).toEqual([]);
    expect(fitted.text).toContain("aws_chatbot_teams_channel_configuration");
    writeFileSync(join(cwd, "cdk.tf.json"), fitted.text);
    const env = terraformEnvironment(folder);
    await mustRun("terraform", ["init", "-backend=false", "-input=false"], { cwd, env });
    const { code, output } = await run("terraform", ["validate", "-no-color"], { cwd, env });
    expect({ code, output }).toEqual({
      code: 0,
      output: expect.stringContaining("Success! The configuration is valid."),
    });
  });
});
