import { describe, expect, it } from "vitest";
import { loadStack } from "../../stacks/config/load.ts";
import { minimal, resources, synthesize, synthesizeParsed } from "./synth.ts";

/** The examples that the docs propose to begin with. */
const beginnings = ["azure-devops-minimal", "hcp-minimal", "semaphore-minimal", "spacelift-amd64"];

/**
 * A secret in its recovery window keeps its name, so AWS refuses a new one. Only with a window of 0 does the provider
 * call DeleteSecret with ForceDeleteWithoutRecovery. Source: AWS, API reference of Secrets Manager, DeleteSecret and
 * CreateSecret.
 */
const windowsOf = (stack: ReturnType<typeof synthesize>) =>
  resources(stack, "aws_secretsmanager_secret").map((secret) => secret.recovery_window_in_days);

describe("deploying again after a destroy", () => {
  it.each(beginnings)("works at once with config/%s.yaml, whose secrets leave nothing behind", (name) => {
    const { config } = loadStack(name, { env: {}, cwd: process.cwd() });
    const windows = windowsOf(synthesizeParsed(config, name));
    expect(windows.length).toBeGreaterThan(0);
    expect(new Set(windows)).toEqual(new Set([0]));
  });

  it("takes a week by default, so that a token that was destroyed by mistake can be restored", () => {
    expect(new Set(windowsOf(synthesize(minimal)))).toEqual(new Set([7]));
  });
});
