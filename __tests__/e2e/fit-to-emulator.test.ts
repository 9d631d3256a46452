import { describe, expect, it } from "vitest";
import { minimal, resources, type Synthesized, synthesize } from "../stacks/synth.ts";
import { awsProviderVersion, type FitOptions, fitToEmulator } from "./fit-to-emulator.ts";

const managed = {
  ...minimal,
  vendor: { ...minimal.vendor, manage: { agentPool: true } },
  backend: { type: "cloud", organization: "acme", workspace: "ci" },
};

function fitted(providers: FitOptions["providers"]): { stack: Synthesized; leftOut: string[] } {
  const text = JSON.stringify(synthesize(managed));
  const zip: FitOptions["zip"] = ({ outputPath }) => `hash of ${outputPath}`;
  const { text: written, leftOut } = fitToEmulator(text, { stack: "ci", providers, zip });
  return { stack: JSON.parse(written), leftOut };
}

describe("fitToEmulator", () => {
  it.each(["aws alone", "all"] as const)("keeps the state beside the stack and uses dummy credentials (%s)", (mode) => {
    const { terraform, provider } = fitted(mode).stack;
    expect(terraform).not.toHaveProperty("cloud");
    expect(terraform.backend).toEqual({ local: { path: "../../../state/terraform.ci.tfstate" } });
    expect(provider.aws).toEqual([expect.objectContaining({ access_key: "test", secret_key: "test" })]);
  });

  it.each(["aws alone", "all"] as const)("tells what of HCP Terraform it leaves out (%s)", (mode) => {
    const { stack, leftOut } = fitted(mode);
    expect(leftOut).toEqual(["tfe_agent_pool", "output.agent_pool_id"]);
    expect(JSON.stringify(stack)).not.toMatch(/tfe_|agent_pool_id|hashicorp\/tfe/);
  });

  it("leaves out chats, which the emulator does not know, and says so", () => {
    const chat = [{ type: "slack", workspaceId: "T07EXAMPLE1", channelId: "C07EXAMPLE1" }];
    const text = JSON.stringify(synthesize({ ...minimal, alarms: { chat } }));
    const { text: written, leftOut } = fitToEmulator(text, { stack: "ci", providers: "all", zip: () => "" });
    expect(leftOut).toEqual(["aws_chatbot_slack_channel_configuration"]);
    expect(written).not.toContain("aws_chatbot_");
  });

  it("puts zips in the place of the archive provider where there is none", () => {
    const { stack } = fitted("aws alone");
    expect(stack.terraform.required_providers).toEqual({ aws: { source: "aws", version: awsProviderVersion } });
    expect(JSON.stringify(stack)).not.toContain("archive_file");
    for (const each of resources(stack, "aws_lambda_function")) {
      expect(each.runtime).toBe("nodejs22.x");
      expect(each.filename).toMatch(/^assets\/.*\.zip$/);
      expect(each.source_code_hash).toBe(`hash of ${each.filename}`);
    }
  });

  it("changes nothing else where all providers can be had", () => {
    const original = synthesize({ ...minimal, backend: { type: "local" } });
    const { text } = fitToEmulator(JSON.stringify(original), { stack: "ci", providers: "all", zip: () => "" });
    const { provider, ...rest } = JSON.parse(text);
    expect(rest).toEqual({ ...original, provider: undefined });
    expect(provider.aws).toEqual([{ ...original.provider.aws?.[0], access_key: "test", secret_key: "test" }]);
  });
});
