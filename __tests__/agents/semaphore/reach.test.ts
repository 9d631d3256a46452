import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { canBoot, makeAgentHost } from "./host.ts";

const ruleFor = (ids: string) =>
  `iptables --wait 30 --insert OUTPUT --destination 169.254.169.254 --match owner --uid-owner ${ids} --jump REJECT`;
const rule = ruleFor("1983");
const allowed = { AGENT_FLEETS_SEMAPHORE_JOBS_USE_ROLE: "true" };

describe.skipIf(!canBoot).concurrent("the metadata service and jobs of Semaphore", () => {
  it("is closed to the agent's user before there is a token on the host", async (t) => {
    const host = await makeAgentHost(t);
    const { config, calls } = await host.start();
    expect(config).toBeDefined();
    expect(calls.filter((call) => call.startsWith("iptables"))).toEqual([rule]);
    const asked = calls.findIndex((call) => /^setpriv --reuid=1983 --regid=1983 --init-groups curl /.test(call));
    expect(asked).toBeGreaterThan(calls.indexOf(rule));
    expect(calls.findIndex((call) => call.includes("get-secret-value"))).toBeGreaterThan(asked);
  });

  it("is closed to the ids, too, that the user may take in user namespaces, as rootless containers do", async (t) => {
    const host = await makeAgentHost(t);
    const ranges = [
      "other:100000:65536",
      "semaphore:165536:65536",
      "1983:300000:1",
      "semaphore:x:9",
      "semaphore:7:0",
      "",
    ];
    mkdirSync(join(host.root, "etc"), { recursive: true });
    writeFileSync(join(host.root, "etc/subuid"), ranges.join("\n"));
    const { config, calls } = await host.start();
    expect(config).toBeDefined();
    const rules = calls.filter((call) => call.startsWith("iptables"));
    expect(rules).toEqual([rule, ruleFor("165536-231071"), ruleFor("300000-300000")]);
  });

  it("is closed again at each start of the instance, before the agent", async (t) => {
    const host = await makeAgentHost(t);
    await host.start();
    const { calls } = await host.start();
    expect(calls.filter((call) => call === rule)).toHaveLength(2);
  });

  it("starts no agent when the rule is there and an answer comes", async (t) => {
    const host = await makeAgentHost(t);
    writeFileSync(join(host.stage, "faults/rule"), "");
    const { config, log, file, poweredOff } = await host.start();
    expect(config).toBeUndefined();
    expect(log).toContain("FAILED: jobs could use the instance's role: the firewall does not keep them from");
    expect(file("dev/console")).toContain("set vendor.jobsUseInstanceRole: true");
    expect(poweredOff).toBe(true);
  });

  it("starts no agent when nobody knows whether the rule works", async (t) => {
    const host = await makeAgentHost(t);
    // Not a status that proves anything: setpriv itself, or curl, is broken.
    writeFileSync(
      join(host.stage, "bin/setpriv"),
      `#!/bin/bash\nif [[ $4 == curl ]]; then exit 127; fi\nexec "\${@:4}"\n`,
    );
    const { config, log } = await host.start();
    expect(config).toBeUndefined();
    expect(log).toContain("(curl: 127)");
  });

  it("starts no agent when the kernel or iptables refuses the rule", async (t) => {
    const host = await makeAgentHost(t);
    writeFileSync(join(host.stage, "faults/iptables"), "4");
    const { config, log, poweredOff } = await host.start();
    expect(config).toBeUndefined();
    expect(log).toContain("FAILED: jobs could use the instance's role: iptables ends with status 4");
    expect(poweredOff).toBe(true);
  });

  it("fails with the way out when the AMI has no iptables and none can be installed", async (t) => {
    const host = await makeAgentHost(t);
    // No iptables, whatever this machine has.
    const without = 'command() { if [[ $2 == iptables ]]; then return 1; fi; builtin command "$@"; }';
    const { status, log, calls } = await host.call(`close_metadata\n${without}`);
    expect(status).toBe(1);
    expect(calls).toContainEqual(expect.stringMatching(/^timeout 300 dnf .* install iptables-nft$/));
    expect(log).toContain(
      "FAILED: jobs could use the instance's role: add iptables to the AMI, or set vendor.jobsUseInstanceRole: true",
    );
  });

  it("stays open where jobs use the instance's role", async (t) => {
    const host = await makeAgentHost(t);
    writeFileSync(join(host.stage, "faults/iptables"), "4");
    const { config, calls } = await host.start(allowed);
    expect(config).toBeDefined();
    expect(calls.filter((call) => /iptables/.test(call))).toEqual([]);
  });
});

describe.skipIf(!canBoot).concurrent("Docker and jobs of Semaphore", () => {
  const joins = "usermod --append --groups docker semaphore";

  it("is theirs where the AMI has it, unless the config says otherwise", async (t) => {
    const { calls } = await (await makeAgentHost(t)).start();
    expect(calls).toContain(joins);
  });

  it.for([
    ["semaphore docker wheel", true],
    ["semaphore", false],
    ["semaphore dockerless", false],
  ] as const)("is not theirs with docker: false, for a user in the groups %s", async ([groups, leaves], t) => {
    const host = await makeAgentHost(t);
    writeFileSync(join(host.stage, "groups"), `${groups}\n`);
    const { config, calls } = await host.start({ AGENT_FLEETS_SEMAPHORE_DOCKER: "false" });
    expect(config).toBeDefined();
    expect(calls).not.toContain(joins);
    expect(calls.includes("gpasswd --delete semaphore docker")).toBe(leaves);
  });

  it("starts no agent when the groups of its user are unknown", async (t) => {
    const host = await makeAgentHost(t);
    rmSync(join(host.stage, "groups"), { force: true });
    const { config } = await host.start({ AGENT_FLEETS_SEMAPHORE_DOCKER: "false" });
    expect(config).toBeUndefined();
  });
});
