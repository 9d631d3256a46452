import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { agentFile } from "../ec2/host.ts";
import { arns, canBoot, makeWorkerHost, privateKey, removeKeys, settings, token, type WorkerHost } from "./worker.ts";

afterAll(removeKeys);

const stop = "systemctl --no-block stop agent-fleets.service";
/** As `ss -H -t -n -p` prints it. */
const connection = (name: string) => `0 0 10.0.1.7:44218 203.0.113.9:443 users:(("${name}",pid=1432,fd=9))\n`;

const queue = "https://sqs.us-west-2.example.com/123456789012/ci-release";

/** Runs check_registration beside a launcher that runs for a while. */
function check(host: WorkerHost, faults = "") {
  mkdirSync(join(host.root, "run/agent-fleets"), { recursive: true });
  const boot = agentFile("spacelift/boot.sh").replace(
    '"${@:-install_service}"',
    `systemctl() {
      echo "systemctl $*" >>"$STAGE/calls"
      if [[ $1 != show ]]; then return 0; fi
      if (($(grep -c '^systemctl show' "$STAGE/calls") <= 8)); then echo active; else echo inactive; fi
    }
    ${faults}
    check_registration`,
  );
  return host.library(
    boot,
    settings({ AGENT_FLEETS_REGISTRATION_GRACE_SECONDS: "30", AGENT_FLEETS_RELEASE_QUEUE_URL: queue }),
  );
}

describe.skipIf(!canBoot).concurrent("a Spacelift worker at the end of its grace", { timeout: 60_000 }, () => {
  it("is told to leave when it never held a connection and Docker never did anything", async (t) => {
    const host = await makeWorkerHost(t);
    writeFileSync(join(host.stage, "connections"), connection("ssm-agent-worke") + connection("amazon-cloudwat"));
    const { calls } = await check(host);
    expect(calls.filter((call) => call === stop)).toHaveLength(1);
    expect(calls.filter((call) => call.startsWith("ss "))).toHaveLength(6);
    expect(existsSync(join(host.root, "run/agent-fleets/never-registered"))).toBe(true);
  });

  it.for([
    ["it holds a connection", connection("spacelift-launc"), "", ""],
    [
      "it held one once",
      "",
      "",
      'look_at_agent_once=1; sleep() { if [[ -n $look_at_agent_once ]]; then look_at_agent_once=; echo \'("spacelift-launc",pid=1)\' >"$STAGE/connections"; else : >"$STAGE/connections"; fi; }',
    ],
    ["nobody can say what it holds", "", "", "ss() { return 1; }"],
    ["Docker does not answer", "", "", "docker() { return 1; }; timeout() { return 124; }"],
  ] as const)("stays when %s", async ([, connections, containers, faults], t) => {
    const host = await makeWorkerHost(t);
    writeFileSync(join(host.stage, "connections"), connections);
    writeFileSync(join(host.stage, "containers"), containers);
    const { calls, messages } = await check(host, faults);
    expect(calls).not.toContain(stop);
    expect(messages).toEqual([]);
    expect(existsSync(join(host.root, "run/agent-fleets/never-registered"))).toBe(false);
  });
});

describe.skipIf(!canBoot).concurrent("a Spacelift worker that has a run", { timeout: 60_000 }, () => {
  it("has registered: the fleet is told once, and the worker stays", async (t) => {
    const host = await makeWorkerHost(t);
    writeFileSync(join(host.stage, "connections"), "");
    writeFileSync(join(host.stage, "containers"), "4f1c2b\n");
    const { calls, messages } = await check(host);
    expect(messages).toEqual(['{"reason":"registered"}']);
    expect(calls).not.toContain(stop);
  });
});

describe.skipIf(!canBoot).concurrent("the boot of a Spacelift worker", { timeout: 60_000 }, () => {
  const vain = {
    AGENT_FLEETS_RELEASE_QUEUE_URL: queue,
    AGENT_FLEETS_BOOT_SECONDS: "1500",
  };

  it("tells the fleet of a launcher that ended without a run, and of a boot that failed", async (t) => {
    const ended = await (await makeWorkerHost(t)).start(vain);
    expect(ended.environment).toBeDefined();
    expect(ended.messages).toEqual(['{"reason":"never-registered"}']);
    const host = await makeWorkerHost(t);
    host.secret(arns.key, "");
    const failed = await host.start(vain);
    expect(failed.messages).toEqual(['{"reason":"boot-failed"}']);
    expect(failed.poweredOff).toBe(true);
  });

  it("tells it by the way out that the config names", async (t) => {
    const host = await makeWorkerHost(t);
    host.secret(arns.key, "");
    const { messages, calls } = await host.start({
      ...vain,
      AGENT_FLEETS_PROXY_URL: "http://proxy.example.com:3128",
      AGENT_FLEETS_CA_CERTIFICATES: "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    });
    expect(messages).toEqual(['{"reason":"boot-failed"}']);
    // Trusted before the last call of AWS, not only before the first.
    const last = calls.findLastIndex((call) => call.startsWith("aws "));
    const trusted = calls.findLastIndex((call) => call.startsWith("update-ca-trust"));
    expect(trusted).toBeLessThan(last);
    expect(calls.filter((call) => call.startsWith("update-ca-trust"))).toHaveLength(2);
  });

  it.for([
    ["instance-id", "<html>captive</html>"],
    ["instance-id", ""],
    ["instance-id", "None"],
    ["ami-id", "null"],
    ["ami-id", "ami-0123456789abcdef0\n"],
  ] as const)("is no worker with %s %j", async ([path, text], t) => {
    const host = await makeWorkerHost(t);
    host.metadata.set(path, text);
    const { environment, log, messages } = await host.start(vain);
    expect(environment).toBeUndefined();
    expect(log).toContain(`FAILED: gave up after 5 attempts, the last with status 1: imds_once ${path}`);
    expect(messages).toEqual(['{"reason":"boot-failed"}']);
  });

  it("starts no launcher while the group takes the instance away", async (t) => {
    const host = await makeWorkerHost(t);
    host.metadata.set("autoscaling/target-lifecycle-state", "Terminated");
    host.imds.onRequest = ({ path }) => {
      if (path.endsWith("target-lifecycle-state")) host.fault("sleep", 143);
    };
    const { environment, log } = await host.start(vain);
    expect(environment).toBeUndefined();
    expect(log).toContain("the agent does not start: the group's target state is Terminated.");
  });

  it("gives the launcher clean secrets, with the line breaks of its key", async (t) => {
    const host = await makeWorkerHost(t);
    host.secret(arns.token, `\uFEFF${token}\r\n`);
    host.secret(arns.key, ` ${privateKey}\r\n\r\n`);
    const { environment } = await host.start(vain);
    expect(environment).toMatchObject({ SPACELIFT_TOKEN: token, SPACELIFT_POOL_PRIVATE_KEY: privateKey });
  });
});
