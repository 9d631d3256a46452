import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canary, type Deployment, prepareDeployment } from "./deployment.ts";
import { missingTools, root, run } from "./toolchain.ts";

const missing = missingTools({ moto: true });
if (missing) process.stderr.write(`SKIPPED: deploying the shipped configs. Missing here: ${missing}\n`);

/**
 * Validated only: moto forgets parts of ECS services and launch templates, so that a second plan cannot be empty, and
 * never finishes the IPv6 association of a subnet.
 */
const beyondMoto = /^(cluster-|hcp-on-cluster$|network-full$)/;
const configs = Object.fromEntries(
  readdirSync(join(root, "config"))
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => [basename(file, ".yaml"), readFileSync(join(root, "config", file), "utf8")] as const)
    .filter(([stack]) => !beyondMoto.test(stack)),
);
process.stderr.write(`NOT DEPLOYED, only validated: stacks named ${beyondMoto.source}, which moto cannot hold\n`);
const fleet = ["clusters", "functions", "secrets", "roles", "httpApis"];
/** What there is of the stacks that are not a fleet with a network of its own. */
const others: Readonly<Record<string, readonly string[]>> = {
  "network-shared": ["vpcs"],
  "hcp-on-shared-network": fleet,
};
const stacks = Object.keys(configs);

describe.skipIf(missing)("the shipped configs, deployed to an emulator of AWS", () => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await prepareDeployment(configs, {
      notification_token: `${canary}hmac-key`,
      tfc_agent_token: `${canary}agent-token`,
    });
    await deployment.deploy();
  }, 300_000);

  afterAll(() => deployment?.close());

  it.each(stacks)("%s is there", async (stack) => {
    const { remembered, listed } = await deployment.whatExists(stack);
    expect(remembered.length).toBeGreaterThan(10);
    expect(listed).toEqual(expect.arrayContaining([...(others[stack] ?? [...fleet, "vpcs"])]));
  });

  describe.concurrent("a second plan", () => {
    it.each(stacks)("of %s is empty", { timeout: 120_000 }, async (stack) => {
      const options = { cwd: deployment.stackFolder(stack), env: deployment.env };
      const plan = await run("terraform", ["plan", "-detailed-exitcode", "-input=false", "-no-color"], options);
      expect(plan).toMatchObject({ code: 0, output: expect.stringContaining("No changes.") });
    });
  });

  it("no secret is in state, synthesized JSON, output or calls to anyone but Secrets Manager", () => {
    expect(deployment.filesWith("secret_string_wo").length).toBeGreaterThan(0);
    expect(deployment.filesWith(canary)).toEqual([]);
    expect(deployment.logs.some((text) => text.includes(canary))).toBe(false);
    expect([...(deployment.front.toldTo.get(canary) ?? [])]).toEqual(["secretsmanager"]);
  });

  it("destroy leaves nothing", { timeout: 250_000 }, async () => {
    await deployment.destroy();
    for (const stack of stacks) {
      expect({ stack, ...(await deployment.whatExists(stack)) }).toEqual({ stack, remembered: [], listed: [] });
    }
  });
});
