import { describe, expect, it } from "vitest";
import { canPlay, makeHost } from "./host.ts";

const portal = "<html><head><title>Sign in</title></head><body>Welcome to the network</body></html>\n";

describe.skipIf(!canPlay).concurrent("what boot programs take from the metadata service", { timeout: 60_000 }, () => {
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
    const started = Date.now();
    const { status, log } = await host.library("imds_once instance-id");
    expect(status).not.toBe(0);
    expect(log).toContain("timed out");
    expect(Date.now() - started).toBeLessThan(20_000);
  });

  it.for([
    "",
    "None",
    "null",
    "undefined",
    portal,
    "i-0123456789abcdef0\n",
    "i-0123456789abcdef0 ",
    " i-0123456789abcdef0",
    "i-0123456789abcdef0\u0000",
    "i-0123456789abcdef0\u001b[0m",
    "i-0123456789abcdef0\r\nInService",
    "i-0123456789abcdef",
    "i-0123456789abcdef01",
    "I-0123456789ABCDEF0",
    "i-0123456789abcdeg0",
    "i-0123456789abcd\u00e9f0",
    '{"instance_id":"i-0123456789abcdef0"}',
    "ami-0123456789abcdef0",
  ])("no id that has not exactly its form, however often it comes: %j", async (text, t) => {
    const host = await makeHost(t);
    host.metadata.set("instance-id", text);
    const { status, output, log, file } = await host.library("imds instance-id\necho went-on");
    expect({ status, output }).toEqual({ status: 1, output: "" });
    expect(log).toContain("the metadata service answers 200 for instance-id, with ");
    expect(log).toContain("FAILED: gave up after 5 attempts, the last with status 1: imds_once instance-id");
    expect(file("dev/console")).toContain("imds_once instance-id");
    for (const control of ["\u0000", "\u001b"]) expect(log).not.toContain(control);
  });

  it.for([
    ["instance-id", "i-0123abcd"],
    ["instance-id", "i-0123456789abcdef0"],
    ["ami-id", "ami-0123abcd"],
    ["tags/instance/AgentFleetsRole", "floor"],
    ["autoscaling/target-lifecycle-state", "Warmed:Stopped"],
  ] as const)("the %s %s", async ([path, text], t) => {
    const host = await makeHost(t);
    host.metadata.set(path, text);
    expect((await host.library(`imds ${path}`)).output).toBe(text);
  });

  it("a right answer after some wrong ones", async (t) => {
    const host = await makeHost(t);
    host.imds.fail({ method: "GET", times: 3, answer: { status: 200, text: portal } });
    expect((await host.library("imds instance-id")).output).toBe("i-0123456789abcdef0");
  });

  it("nothing from a portal that answers every question, that for a token, too", async (t) => {
    const host = await makeHost(t);
    host.imds.fail({ answer: { status: 200, text: portal } });
    const { output, log } = await host.library("imds instance-id");
    expect(output).toBe("");
    expect(log).toContain("the metadata service gives no token");
  });

  it("nothing from a redirect", async (t) => {
    const host = await makeHost(t);
    host.imds.fail({ method: "GET", answer: { status: 302, text: "i-0123456789abcdef0" } });
    const { output, log } = await host.library("imds instance-id");
    expect(output).toBe("");
    expect(log).toContain("the metadata service answers 302 for instance-id");
  });

  it("that something is not there, and says so at once", async (t) => {
    const { status, output, log } = await (await makeHost(t)).library("imds_once tags/instance/AgentFleetsRole");
    expect({ status, output }).toEqual({ status: 44, output: "" });
    expect(log).not.toContain("answers");
  });
});
