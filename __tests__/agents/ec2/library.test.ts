import { describe, expect, it } from "vitest";
import { canPlay, makeHost, mode } from "./host.ts";

const secret = "arn:aws:secretsmanager:us-west-2:123456789012:secret:fleet/token-AbCdEf";
const parameter = "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/fleet/token";
const hostile = [
  "two  words",
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

  it.for(hostile)("reads a secret as it is: %j", async (text, t) => {
    const host = await makeHost(t);
    for (const arn of [secret, parameter]) {
      host.secret(arn, text);
      expect((await host.library(`read_secret '${arn}'`)).output).toBe(text);
      const into = await host.library(`read_secret_into X '${arn}'\nprintf %s "$X"`);
      expect(into.output).toBe(text);
    }
    host.secret(secret, JSON.stringify({ "a key: $(x)": text, plain: "of plain", other: "no" }));
    const asEcs = await host.library(`read_secret_into X '${secret}:plain::'\nprintf %s "$X"`);
    expect(asEcs.output).toBe("of plain");
    const taken = await host.library(`read_secret_into X '${secret}' 'a key: $(x)'\nprintf %s "$X"`);
    expect(taken.output).toBe(text);
    expect(host.files()).toEqual([]);
  });

  const pem = "-----BEGIN KEY-----\r\nline one\r\n-----END KEY-----";
  it.for([
    ["a line break", "test-token\n", "test-token"],
    ["one of Windows", "test-token\r\n", "test-token"],
    ["blanks", "\t test-token \n \n", "test-token"],
    ["a byte-order mark", "\uFEFFtest-token\r\n", "test-token"],
    ["all of it", " \uFEFF\r\n test-token \uFEFF\n", "test-token"],
    ["blanks about several lines, which stay", `\uFEFF${pem}\r\n \n`, `${pem}\n`],
    ["nothing about several lines without an end", pem, pem],
  ] as const)("takes a secret, and a key of one, without what surrounds it: %s", async ([, text, clean], t) => {
    const host = await makeHost(t);
    host.secret(parameter, text);
    expect((await host.library(`read_secret_into X '${parameter}'\nprintf %s "$X"`)).output).toBe(clean);
    host.secret(secret, `\uFEFF${JSON.stringify({ key: text })}\r\n`);
    expect((await host.library(`read_secret_into X '${secret}' key\nprintf %s "$X"`)).output).toBe(clean);
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
    ["\uFEFF \r\n", "holds no text"],
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
    '{"key":"\\r\\n "}',
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
