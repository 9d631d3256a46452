import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it, type TestContext } from "vitest";
import { startSemaphoreFake } from "../../fakes/semaphore.ts";
import { commandPath } from "../ec2/host.ts";
import { realAgent, realAgents } from "../real-agent.ts";
import { canBoot, makeAgentHost, tokenArn } from "./host.ts";

const folder = mkdtempSync(join(tmpdir(), "agent-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const standIn = givenBySameVariable();
const real = realAgent("semaphore");
const given = [
  { agent: "a stand-in", binary: standIn },
  ...(real === undefined ? [] : [{ agent: "the real agent", binary: real }]),
];

/** A program of the tests, as somebody would give the real agent: so the way to a real one is tried on every machine. */
function givenBySameVariable(): string {
  const path = join(folder, "stand-in");
  const program = fileURLToPath(new URL("stand-in-agent.mjs", import.meta.url));
  writeFileSync(path, `#!/bin/bash\nexec "${process.execPath}" "${program}" "$@"\n`, { mode: 0o755 });
  return realAgent("semaphore", { [realAgents.semaphore]: path }) ?? "";
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20);
}

/** Boots a host that becomes this agent, against the fake of the hub. */
async function boot(t: TestContext, binary: string, token?: string) {
  const hub = await startSemaphoreFake();
  const host = await makeAgentHost(t);
  const { root, stage } = host;
  const hook = join(stage, "hook");
  writeFileSync(hook, `printf '%s' "$SEMAPHORE_AGENT_SHUTDOWN_REASON" >"${stage}/hook-reason"\n`);
  host.bake(binary);
  host.secret(tokenArn, token ?? hub.token);
  const ended = host.start({
    AGENT_FLEETS_POWER_OFF: "false",
    AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: "0",
    // Every key that stacks/vendors/semaphore.ts writes.
    AGENT_FLEETS_SEMAPHORE_CONFIG: JSON.stringify({
      endpoint: new URL(hub.url).host,
      "no-https": true,
      "disconnect-after-job": true,
      "env-vars": ["A=1"],
      files: [],
      "fail-on-missing-files": true,
      "upload-job-logs": "when-trimmed",
      "shutdown-hook-path": hook,
      "interruption-grace-period": 3600,
    }),
  });
  const log = join(root, "var/log/semaphore/agent.log");
  const mainPid = () => {
    const configured = `--config-file ${root}/run/agent-fleets/config.yaml`;
    return execFileSync(commandPath("pgrep") ?? "", ["--oldest", "--full", "--", configured], {
      encoding: "utf8",
    }).trim();
  };
  t.onTestFinished(() => hub.close());
  /** Calls a function of the installed program beside the agent, as systemd and SSM do. */
  async function call(name: string, environment: Readonly<Record<string, string>> = {}): Promise<string> {
    const env = { PATH: `${stage}/bin:${process.env.PATH}`, STAGE: stage, AGENT_FLEETS_ROOT: root, ...environment };
    const child = spawn("/bin/bash", [join(root, "usr/local/lib/agent-fleets/boot"), name], {
      env,
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
    });
    await new Promise((resolve) => child.on("close", resolve));
    return output.trim();
  }
  return {
    hub,
    host,
    ended,
    call,
    log,
    mainPid,
    /** Stops the unit, and resolves when the agent has ended. Between two signals it waits in earnest. */
    stop: () => call("finish", { MAINPID: mainPid(), PATH: `${stage}/real:${process.env.PATH}` }),
    said: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
    syncs: () => hub.requests.filter(({ path }) => path.endsWith("/sync")).length,
  };
}

describe.skipIf(!canBoot).concurrent.each(given)("$agent, booted against the hub's fake", ({ binary }) => {
  it("registers as its instance, polls, and leaves by its hook when its unit is stopped", async (t) => {
    const { hub, host, ended, call, stop, syncs } = await boot(t, binary);
    await until(() => syncs() >= 2);
    expect([...hub.state.agents.values()]).toEqual([
      expect.objectContaining({
        name: "i-0123456789abcdef0_0a1b2c3d",
        singleJob: true,
        idleTimeoutSeconds: 300,
      }),
    ]);
    expect(await call("registration")).toBe("yes");

    await stop();
    await ended;
    expect(host.left("hook-reason")).toBe("INTERRUPTED");
    expect(hub.state.agents.size).toBe(0);
  });

  it("is known not to have registered while the hub refuses its token", async (t) => {
    const { hub, ended, call, stop, said } = await boot(t, binary, "a-token-of-no-agent-type");
    await until(() => said().includes("[Register] attempt "));
    expect(await call("registration")).toBe("no");
    expect(hub.state.agents.size).toBe(0);

    await stop();
    await ended;
  });
});

/** Agents from 2.4.0 on give up a request that the hub does not answer; older ones, and the stand-in, wait for ever. */
describe.skipIf(!canBoot)("an agent that waits for a hub which hangs", () => {
  it("is not stopped by its drain, which says that it is silent once it has been for long", async (t) => {
    const { hub, host, ended, call, stop, log, mainPid, syncs } = await boot(t, standIn);
    await until(() => syncs() >= 1);
    hub.fail({ path: /\/sync$/, answer: "hang" });
    const before = syncs();
    await until(() => syncs() > before);

    const pid = mainPid();
    const stopped = stop();
    host.unitIs("deactivating");
    expect(await call("drain")).toBe("busy");
    const longAgo = new Date(Date.now() - 3600_000);
    for (const file of [log, join(host.root, "run/agent-fleets/drained")]) utimesSync(file, longAgo, longAgo);
    expect(await call("drain")).toBe("silent");
    expect(mainPid()).toBe(pid);

    process.kill(Number(pid), "SIGKILL");
    await Promise.all([stopped, ended]);
    expect(host.left("hook-reason")).toBe("");
  });
});

describe("the variable with a real agent", () => {
  it("unset: the tests say aloud that they skip it, and how not to", () => {
    const said: string[] = [];
    expect(realAgent("semaphore", {}, (text) => said.push(text))).toBeUndefined();
    expect(said).toEqual([
      "SKIPPED: the real agent of semaphore. Set SEMAPHORE_AGENT_BINARY to the path of its program\n",
    ]);
  });

  it("naming no program: fails, and skips nothing", () => {
    const plain = join(folder, "plain");
    mkdirSync(folder, { recursive: true });
    writeFileSync(plain, "", { mode: 0o644 });
    for (const path of [plain, join(folder, "missing")]) {
      expect(() => realAgent("semaphore", { SEMAPHORE_AGENT_BINARY: path })).toThrow("names no program");
    }
  });
});
