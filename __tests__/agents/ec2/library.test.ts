import { describe, expect, it } from "vitest";
import { canPlay, makeHost, mode } from "./host.ts";

const secret = "arn:aws:secretsmanager:us-west-2:123456789012:secret:fleet/token-AbCdEf";
const parameter = "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/fleet/token";
const hostile = [
  "two  words and a trailing blank ",
  `'single' "double" \\back\\slash\\`,
  "$(touch pwned) `touch pwned` $HOME $1 ${x}",
  "%s %d %n 100%",
  "* ? [a-z] ~ & | ; < > # !",
  "-n",
  "Áé漢字🚀",
  "-----BEGIN KEY-----\nline one\n\nline two\n-----END KEY-----\n",
];

describe.skipIf(!canPlay).concurrent("the library of boot programs", () => {
  it("defect 16: a failing step ends the program wherever it is called from", async (t) => {
    const host = await makeHost(t);
    const steps = "step() { false; echo went-on; }\n";
    const plain = await host.library(`${steps}step`);
    expect(plain.status).not.toBe(0);
    const nested = await host.library(`${steps}outer() { local text; text=$(step); echo "$text"; }\nouter`);
    expect(nested.status).not.toBe(0);
    const tried = await host.library(`${steps}try step; echo "status $tried"`);
    expect(tried.output).toBe("status 1\n");
    for (const outcome of [plain, nested, tried]) expect(outcome.output).not.toContain("went-on");
  });

  it.for([
    "if retry 2 1 step; then :; fi",
    "! retry 2 1 step",
    "retry 2 1 step || true",
    "outer() { retry 2 1 step; echo went-on; }\nouter && echo fine",
  ])("defect 16: refuses to run steps where they cannot fail: %s", async (line, t) => {
    const { output, log } = await (await makeHost(t)).library(`step() { false; echo went-on; }\n${line}`);
    expect(log).toContain("FAILED: step is called in a condition, where it cannot fail");
    expect(output.match(/went-on/g)?.length ?? 0).toBeLessThanOrEqual(line.startsWith("outer") ? 1 : 0);
  });

  it("retries with growing pauses, stops at the limit and says why", async (t) => {
    const host = await makeHost(t);
    host.fault("dnf", 3, 4, 5, 6);
    const { status, log, calls, file } = await host.library("retry 3 2 dnf install x");
    expect(status).toBe(1);
    expect(calls).toEqual(["dnf install x", "sleep 2", "dnf install x", "sleep 4", "dnf install x"]);
    expect(log).toContain("attempt 1 of 3 ended with status 3, again in 2 s: dnf install x");
    expect(log).toContain("FAILED: gave up after 3 attempts, the last with status 5: dnf install x");
    expect(file("dev/console")).toContain("FAILED: gave up");
  });

  it("asks the metadata service by version 2 and never through a proxy", async (t) => {
    const host = await makeHost(t);
    const { output, calls } = await host.library("export http_proxy=http://127.0.0.1:9\nimds instance-id");
    expect(output).toBe("i-0123456789abcdef0");
    for (const call of calls) expect(call).not.toContain("metadata-token:");
  });

  it("asks the metadata service again after an error", async (t) => {
    const host = await makeHost(t);
    host.imds.fail({ method: "GET", times: 2, answer: { status: 503, text: "not yet" } });
    expect((await host.library("imds ami-id")).output).toBe("ami-0123456789abcdef0");
  });

  it("gives up on a metadata service that never answers", async (t) => {
    const host = await makeHost(t);
    host.imds.fail({ answer: "hang" });
    // The answer never comes: that this ends at all is what is proven.
    const { status, log } = await host.library("imds_once instance-id");
    expect(status).not.toBe(0);
    expect(log).toContain("timed out");
  });

  it.for(["floor", "burst"])("waits for a late role: %s", async (role, t) => {
    const host = await makeHost(t);
    let questions = 0;
    host.imds.onRequest = ({ path }) => {
      if (path.endsWith("AgentFleetsRole") && ++questions === 3) {
        host.metadata.set("tags/instance/AgentFleetsRole", role);
      }
    };
    expect((await host.library("role_of_agent")).output).toBe(role);
    expect(questions).toBe(3);
  });

  it.for([undefined, "boss"])("is a burst agent when no role comes in time: %s", async (role, t) => {
    const host = await makeHost(t);
    if (role) host.metadata.set("tags/instance/AgentFleetsRole", role);
    const { output, log } = await host.library("role_of_agent 1");
    expect(output).toBe("burst");
    expect(log).toContain("no role came");
  });

  it("waits in a warm pool until the group wants the instance, and elsewhere not at all", async (t) => {
    const host = await makeHost(t);
    const state = "autoscaling/target-lifecycle-state";
    expect((await host.library("await_service")).status).toBe(0);
    let questions = 0;
    host.imds.onRequest = ({ path }) => {
      if (!path.endsWith(state)) return;
      questions += 1;
      if (questions > 1) host.metadata.set(state, questions < 3 ? "Warmed:Stopped" : "InService");
    };
    await host.library("await_service", { AGENT_FLEETS_WARM_POOL: "true" });
    expect(questions).toBe(3);
  });

  it.for(hostile)("reads a secret byte for byte: %j", async (text, t) => {
    const host = await makeHost(t);
    for (const arn of [secret, parameter]) {
      host.secret(arn, text);
      expect((await host.library(`read_secret '${arn}'`)).output).toBe(text);
      const into = await host.library(`read_secret_into X '${arn}'\nprintf %s "$X"`);
      expect(into.output).toBe(text);
    }
    host.secret(secret, JSON.stringify({ "a key: $(x)": text, other: "no" }));
    const taken = await host.library(`read_secret_into X '${secret}' 'a key: $(x)'\nprintf %s "$X"`);
    expect(taken.output).toBe(text);
    expect(host.files()).toEqual([]);
  });

  it("drops the end of line of a single line", async (t) => {
    const host = await makeHost(t);
    host.secret(secret, "test-token\n");
    expect((await host.library(`read_secret_into X '${secret}'\nprintf %s "$X"`)).output).toBe("test-token");
  });

  it("asks the region and the service that the ARN names, within time limits", async (t) => {
    const host = await makeHost(t);
    host.secret(parameter, "test-token");
    const { calls } = await host.library(`read_secret '${parameter}'`);
    const aws = calls.filter((call) => call.startsWith("aws "));
    expect(aws).toHaveLength(1);
    expect(aws[0]).toContain("--region us-gov-west-1 ssm get-parameter");
    expect(aws[0]).toMatch(/--cli-connect-timeout \d+ --cli-read-timeout \d+/);
    expect(calls).toContainEqual(expect.stringMatching(/^timeout 60 aws /));
  });

  it.for([
    ["", "holds no text"],
    ["None", "holds no text"],
    [undefined, "ResourceNotFoundException"],
  ] as const)("refuses a secret without a text: %j", async ([text, why], t) => {
    const host = await makeHost(t);
    if (text !== undefined) host.secret(secret, text);
    const { status, log } = await host.library(`read_secret_into X '${secret}'\necho went-on`);
    expect(status).toBe(1);
    expect(log).toContain(why);
    expect(log).toContain(`FAILED: gave up after 8 attempts`);
  });

  it.for([
    '{"other":"x"}',
    '{"key":7}',
    '{"key":""}',
    "no JSON: canary-value",
  ])("refuses a secret without the key: %s", async (text, t) => {
    const host = await makeHost(t);
    host.secret(secret, text);
    const { status, log } = await host.library(`read_secret_into X '${secret}' key`);
    expect(status).toBe(1);
    expect(log).toContain(`FAILED: ${secret} holds no text under the key key`);
    expect(log).not.toContain("canary-value");
  });

  it("ends a client of AWS that hangs, and asks again", async (t) => {
    const host = await makeHost(t);
    host.secret(secret, "test-token");
    host.fault("aws", "hang");
    const { output, log } = await host.library(`read_secret '${secret}'`);
    expect(output).toBe("test-token");
    expect(log).toContain("ended with status 124");
  });

  it("fetches over https only, with limits on time and speed", async (t) => {
    const host = await makeHost(t);
    host.download("agent", "content");
    host.fault("curl", 28, 56);
    const { calls } = await host.library(`fetch https://downloads.example.com/agent "$STAGE/agent"`);
    const curls = calls.filter((call) => call.startsWith("curl "));
    expect(curls).toHaveLength(3);
    for (const call of curls) {
      expect(call).toMatch(/--fail .*--proto =https --proto-redir =https .*--connect-timeout \d+ --max-time \d+/);
      expect(call).toMatch(/--speed-limit \d+ --speed-time \d+/);
    }
  });

  it("tells a file by its checksum", async (t) => {
    const host = await makeHost(t);
    const sum = "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73";
    const write = `printf content >"$STAGE/x"\n`;
    expect((await host.library(`${write}verify_sha256 "$STAGE/x" ${sum}`)).status).toBe(0);
    const wrong = await host.library(`${write}verify_sha256 "$STAGE/x" ${sum.replace("e", "f")}`);
    expect(wrong.log).toContain("FAILED: checksum of x is");
  });

  it.for([
    ["x86_64", 0],
    ["aarch64", 0],
    ["riscv64", 1],
  ] as const)("knows its architecture: %s", async ([machine, status], t) => {
    const host = await makeHost(t);
    const outcome = await host.library(`uname() { printf %s ${machine}; }\narchitecture`);
    expect(outcome.status).toBe(status);
    expect(status ? outcome.log : outcome.output).toContain(machine);
  });

  it("Spacelift defect 9: powers off late where the boot fails early, so that the loop can stop the churn", async (t) => {
    const host = await makeHost(t);
    const settings = { AGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS: "900", AGENT_FLEETS_POWER_OFF_DELAY_SECONDS: "15" };
    const up = (seconds: string) => `mkdir -p "$root/proc"\nprintf '${seconds} 1.5\\n' >"$root/proc/uptime"\npower_off`;
    expect((await host.library(up("100.25"), settings)).log).toMatch(/powering off in 15 s.*another 800 s/s);
    expect((await host.library(up("5000.10"), settings)).log).not.toContain("another");
    expect((await host.library("power_off")).log).toContain("powering off in 60 s");
    expect((await host.library(up("100.25"), settings)).poweredOff).toBe(true);
  });

  it("fault B2: powers off soon where the boot of a burst instance fails, late where the agent left well", async (t) => {
    const host = await makeHost(t);
    const settings = { AGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS: "900", AGENT_FLEETS_BOOT_SECONDS: "1200" };
    const ended = (code: number, status: number) =>
      `systemctl() { if [[ $1 == show ]]; then echo ExecMainCode=${code} ExecMainStatus=${status}; fi; }
      mkdir -p "$root/proc"
      echo 100.25 1.5 >"$root/proc/uptime"
      power_off`;
    const stay = async (code: number, status: number) =>
      /another (\d+) s/.exec((await host.library(ended(code, status), settings)).log)?.[1];

    expect([await stay(1, 1), await stay(0, 0), await stay(2, 9)]).toEqual(["800", "800", "800"]);
    expect(await stay(1, 0)).toBe("1100");
    host.metadata.set("tags/instance/AgentFleetsRole", "burst");
    expect([await stay(1, 1), await stay(0, 0)]).toEqual([undefined, undefined]);
    expect(await stay(1, 0)).toBe("1100");
    host.metadata.set("tags/instance/AgentFleetsRole", "floor");
    expect(await stay(1, 1)).toBe("800");
  });

  it("writes files that are never readable to more than they should be", async (t) => {
    const host = await makeHost(t);
    const watch = 'chmod() { command stat -c %a "$2" >&2; command chmod "$@"; }\n';
    const { log, file } = await host.library(`${watch}umask 000\nwrite_file 640 "$root/etc/a/b" <<<text`);
    expect(log).toBe("600\n");
    expect(mode(`${host.root}/etc/a/b`)).toBe("640");
    expect(file("etc/a/b")).toBe("text\n");
  });

  it("names all commands that the AMI lacks", async (t) => {
    const { status, log } = await (await makeHost(t)).library("require bash no-such-a curl no-such-b");
    expect(status).toBe(1);
    expect(log).toContain("FAILED: this AMI lacks no-such-a no-such-b");
  });
});
