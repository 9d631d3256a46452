import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { machineImage } from "../../../stacks/config/machine-image.ts";
import { semaphoreImage } from "../../../stacks/vendors/semaphore-image.ts";
import { agentFile, mode } from "../ec2/host.ts";
import { type AgentHost, agentProgram, canBoot, makeAgentHost } from "./host.ts";

const { vendor } = machineImage.parse({ kind: "machine-image", region: "us-west-2", vendor: { type: "semaphore" } });
const baked = semaphoreImage(vendor ?? expect.unreachable(), "x86_64");

/** A release of the agent for an instance that has none; its checksum. */
function release({ stage, root, download }: AgentHost): string {
  rmSync(join(root, "opt"), { recursive: true, force: true });
  writeFileSync(join(stage, "agent"), agentProgram, { mode: 0o755 });
  execFileSync("tar", ["-czf", join(stage, "archive"), "-C", stage, "agent"]);
  const content = readFileSync(join(stage, "archive"));
  download("agent_Linux_x86_64.tar.gz", content);
  return createHash("sha256").update(content).digest("hex");
}

/** Runs the program of the image as its components put it together. */
const bake = (host: AgentHost, sum: string) =>
  host.library(baked.files.map(agentFile).join(""), {
    ...baked.settings,
    AGENT_FLEETS_SEMAPHORE_AGENT_SHA256: sum,
  });

describe.skipIf(!canBoot).concurrent("the image of a Semaphore agent", () => {
  it("has the agent where a boot looks for it, which then downloads nothing", async (t) => {
    const host = await makeAgentHost(t);
    const { status, log, calls } = await bake(host, release(host));
    expect({ status, log }).toEqual({ status: 0, log: expect.stringContaining("the agent v2.4.0 is in the image") });
    expect(mode(join(host.root, "opt/semaphore/agent/agent"))).toBe("755");
    const downloads = (all: readonly string[]) => all.filter((line) => /^curl .*agent_Linux/.test(line)).length;
    expect(downloads(calls)).toBe(1);
    expect(calls).toContainEqual(expect.stringMatching(/^useradd --create-home .* semaphore$/));
    const boot = await host.start();
    expect(boot.config).toMatchObject({ endpoint: "acme.semaphoreci.com" });
    expect(downloads(boot.calls)).toBe(1);
  });

  it("is not made of an agent with another checksum", async (t) => {
    const host = await makeAgentHost(t);
    release(host);
    const { status, log } = await bake(host, "0".repeat(64));
    expect({ status, log }).toEqual({ status: 1, log: expect.stringMatching(/FAILED: checksum of agent.tar.gz is /) });
    expect(existsSync(join(host.root, "opt/semaphore/agent/agent"))).toBe(false);
  });

  it("starts nothing, asks no metadata and powers nothing off", async (t) => {
    const host = await makeAgentHost(t);
    const { calls, poweredOff } = await bake(host, release(host));
    expect(calls.filter((line) => /^(systemctl|aws) /.test(line))).toEqual([]);
    expect(host.imds.requests).toEqual([]);
    expect(poweredOff).toBe(false);
    expect(host.files().filter((file) => file.includes("systemd"))).toEqual([]);
  });
});
