import { describe, expect, it } from "vitest";
import { canBoot, makeAgentHost } from "./host.ts";

const path = "etc/ssh/ssh_known_hosts2";
const own = "git.example.com ssh-ed25519 AAAAC3NzaOwn\n[git.example.org]:2222 ssh-rsa AAAAB3Own==";
const settings = { AGENT_FLEETS_SEMAPHORE_KNOWN_HOSTS: own };
const meta = (keys: readonly string[]) => JSON.stringify({ verifiable: true, ssh_keys: keys, hooks: ["192.0.2.0/24"] });

describe.skipIf(!canBoot).concurrent("the SSH keys that an instance knows", () => {
  it("defect 8: are there at boot without a question to anybody, and asked for later", async (t) => {
    const { file, calls } = await (await makeAgentHost(t)).start(settings);
    expect(file(path)).toMatch(/^github\.com ssh-ed25519 AAAA\S+\ngithub\.com ecdsa-sha2-nistp256 AAAA\S+=\n/);
    expect(file(path)).toContain(`\n${own}\n`);
    expect(calls.filter((call) => call.includes("api.github.com"))).toEqual([]);
    expect(calls).toContainEqual(
      expect.stringMatching(
        /^systemd-run .*--unit=agent-fleets-known-hosts .*--on-unit-active=21600 .*renew_known_hosts$/,
      ),
    );
  });

  it("are the given ones alone where GitHub's are not wanted", async (t) => {
    const host = await makeAgentHost(t);
    const { file, calls } = await host.start({ ...settings, AGENT_FLEETS_SEMAPHORE_GITHUB_MINUTES: "0" });
    expect(file(path)).toBe(`${own}\n`);
    expect(calls.join("\n")).not.toContain("known-hosts");
  });

  it("are renewed from what GitHub tells over TLS", async (t) => {
    const host = await makeAgentHost(t);
    host.download("meta", meta(["ssh-ed25519 AAAANew", "ecdsa-sha2-nistp256 AAAANew2=", "ssh-rsa AAAANew3+/=="]));
    const { file, calls, status } = await host.call("renew_known_hosts", settings);
    expect(status).toBe(0);
    expect(file(path)).toBe(
      "github.com ssh-ed25519 AAAANew\ngithub.com ecdsa-sha2-nistp256 AAAANew2=\n" +
        `github.com ssh-rsa AAAANew3+/==\n${own}\n`,
    );
    expect(calls).toContainEqual(expect.stringMatching(/^curl .*--proto =https .*https:\/\/api\.github\.com\/meta$/));
  });

  it.for([
    undefined,
    "",
    "<html>rate limit</html>",
    meta([]),
    meta(["ssh-ed25519 $(touch pwned)", "evil.example.com ssh-rsa AAAA"]),
  ])("stay as they are when the answer is %j", async (answer, t) => {
    const host = await makeAgentHost(t);
    const before = (await host.start(settings)).file(path);
    if (answer !== undefined) host.download("meta", answer);
    const { file, status, log } = await host.call("renew_known_hosts", settings);
    expect(status).not.toBe(0);
    expect(log).toContain("FAILED");
    expect(file(path)).toBe(before);
  });
});
