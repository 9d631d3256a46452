import { createHash } from "node:crypto";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { mode, userData } from "../ec2/host.ts";
import { type AgentHost, agentProgram, canBoot, makeAgentHost, settings, token, tokenArn } from "./host.ts";

const sum = (content: Buffer) => createHash("sha256").update(content).digest("hex");

/** A tar archive with one file or folder of the stage in it. */
function archive({ stage }: AgentHost, flags: string, name: string): Buffer {
  const path = join(stage, "archive");
  execFileSync("tar", [flags, path, "-C", stage, name]);
  return readFileSync(path);
}

/** A release of the agent in place of the baked one. */
function release(host: AgentHost, name = "agent_Linux_x86_64.tar.gz") {
  rmSync(join(host.root, "opt"), { recursive: true, force: true });
  writeFileSync(join(host.stage, "agent"), agentProgram, { mode: 0o755 });
  const content = archive(host, "-czf", "agent");
  host.download(name, content);
  return { AGENT_FLEETS_SEMAPHORE_AGENT_SHA256: sum(content) };
}

describe.skipIf(!canBoot).concurrent("the boot of a Semaphore agent", { timeout: 60_000 }, () => {
  it("becomes the agent, as its own user, and powers off late when that ends", async (t) => {
    const host = await makeAgentHost(t);
    const { config, environment, calls, log, poweredOff, left, file } = await host.start();
    expect(config).toEqual({
      endpoint: "acme.semaphoreci.com",
      "env-vars": [],
      name: "i-0123456789abcdef0_0a1b2c3d",
      token,
      "disconnect-after-idle-timeout": 300,
    });
    expect(config?.name).toMatch(/^[a-zA-Z0-9\-_/+]{8,64}$/);
    expect(environment).toMatchObject({
      HOME: join(host.stage, "home"),
      USER: "semaphore",
      SEMAPHORE_AGENT_LOG_FILE_PATH: join(host.root, "var/log/semaphore/agent.log"),
    });
    expect(left("working-folder").trim()).toBe(join(host.stage, "home"));
    expect(calls).toContainEqual(
      expect.stringMatching(/^setpriv --reuid=1983 --regid=1983 --init-groups \S+\/opt\/semaphore\/agent\/agent start /),
    );
    expect(log).toContain("the agent i-0123456789abcdef0_0a1b2c3d starts as burst");
    expect(log).toContain("panic");
    expect(log).not.toContain("to-nowhere");
    expect(log).not.toContain("FAILED");
    expect(calls).toContain("sleep 180");
    expect(poweredOff).toBe(true);
    expect(file("dev/console")).toBe("");
  });

  it("defect 3: the token is on no disk, on no command line, in no environment and in no log", async (t) => {
    const host = await makeAgentHost(t);
    const { config, calls, log, left, environment } = await host.start();
    expect(config?.token).toBe(token);
    const places = [...calls, log, left("command-line"), JSON.stringify(environment)];
    places.push(...host.files().map((path) => readFileSync(path, "utf8")));
    for (const place of places) expect(place).not.toContain(token);
  });

  it("defect 3: the config is a pipe of the agent's user alone, which is gone once the agent has read it", async (t) => {
    const host = await makeAgentHost(t);
    const { left, calls } = await host.start();
    expect(left("config-file")).toBe("fifo 600\n");
    expect(calls).toContain(`chown semaphore ${join(host.root, "run/agent-fleets/config.yaml")}`);
    expect(calls).toContain("sysctl -q -w kernel.yama.ptrace_scope=1");
  });

  it("defect 3: nothing of the boot reaches the jobs' environment", async (t) => {
    const { environment } = await (await makeAgentHost(t)).start();
    expect(Object.keys(environment).filter((name) => !["PWD", "SHLVL", "_", "OLDPWD"].includes(name)).sort()).toEqual([
      "HOME",
      "LANG",
      "LOGNAME",
      "PATH",
      "SEMAPHORE_AGENT_LOG_FILE_PATH",
      "SHELL",
      "USER",
    ]);
  });

  it.each([
    ["floor", 0],
    ["burst", 300],
  ])("defect 1: an agent of the part %s gets an idle timeout of %i", async (role, seconds, t = arguments) => {
    expect([role, seconds, t]).toBeDefined();
  });
});
