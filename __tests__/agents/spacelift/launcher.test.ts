import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { agentFile, commandPath, userData } from "../ec2/host.ts";
import { arns, canBoot, keyFolder, keys, makeWorkerHost, removeKeys, settings } from "./worker.ts";

afterAll(removeKeys);

const launcher = "spacelift-launcher-x86_64";

describe.skipIf(!canBoot).concurrent("the launcher of a Spacelift worker", () => {
  it.for([
    ["aarch64", "mqtt.example.com", "spacelift-launcher-aarch64"],
    ["x86_64", "x.fedramp.spacelift.io", "spacelift-launcher-fedramp-x86_64"],
    ["aarch64", "x.fedramp.spacelift.io", "spacelift-launcher-fedramp-aarch64"],
    ["x86_64", "x.fedramp.spacelift.io.example.com", "spacelift-launcher-x86_64"],
  ] as const)("takes the launcher for %s and %s", async ([machine, endpoint, name], t) => {
    const host = await makeWorkerHost(t);
    writeFileSync(join(host.stage, "machine"), `${machine}\n`);
    host.secret(arns.token, Buffer.from(JSON.stringify({ broker: { endpoint } })).toString("base64"));
    host.publish(name);
    const { environment, calls } = await host.start({ AGENT_FLEETS_SPACELIFT_DOMAIN: "us.spacelift.example" });
    expect(calls).toContainEqual(
      expect.stringMatching(new RegExp(`https://downloads\\.us\\.spacelift\\.example/${name}$`)),
    );
    expect(environment?.GODEBUG).toBe(name.includes("fedramp") ? "fips140=only" : undefined);
    expect(environment?.SPACELIFT_WORKER_COMMS_URL).toBe("https://app.us.spacelift.example");
  });

  it("takes a token that is no base64 of JSON to the launcher", async (t) => {
    const host = await makeWorkerHost(t);
    host.secret(arns.token, "test-token!");
    expect((await host.start()).environment?.SPACELIFT_TOKEN).toBe("test-token!");
  });

  it("refuses a wrong checksum", async (t) => {
    const host = await makeWorkerHost(t);
    host.publish(launcher, { sums: `${"0".repeat(64)}  spacelift-launcher-x86_64\n` });
    const boot = await host.start();
    expect(boot.log).toContain("FAILED: checksum of spacelift-launcher-x86_64 is ");
    expect(boot.file("usr/bin/spacelift-launcher")).toBe("");
    expect(boot.poweredOff).toBe(true);
  });

  it.for([
    ["by another key", (sums: string) => keys?.stranger.sign(sums), false],
    ["of another text", () => keys?.vendor.sign("something else\n"), false],
    ["that is none", () => Buffer.from("no signature"), false],
    ["by a key that was swapped as well", (sums: string) => keys?.stranger.sign(sums), true],
  ] as const)("refuses a signature %s", async ([, sign, swapped], t) => {
    const host = await makeWorkerHost(t);
    const sums = readFileSync(join(host.stage, "downloads", `${launcher}_SHA256SUMS`), "utf8");
    host.publish(launcher, { sums, signature: sign(sums) });
    const boot = await host.start({
      AGENT_FLEETS_SPACELIFT_SIGNING_KEY: keys?.[swapped ? "stranger" : "vendor"].armored ?? "",
    });
    const pinned = keys?.vendor.fingerprint;
    expect(boot.log).toContain(`FAILED: the signature of ${launcher}_SHA256SUMS is not by the key ${pinned}`);
    expect(boot.calls.filter((call) => call.endsWith(`/${launcher}`))).toEqual([]);
    expect(boot.environment).toBeUndefined();
    expect(boot.poweredOff).toBe(true);
  });
});

describe("what the Spacelift boot program is made of", () => {
  it("leaves most of the 16 KB of user data to the settings", () => {
    const text = userData("spacelift", { ...settings(), KEY: agentFile("spacelift/signing-key.asc") });
    expect(gzipSync(text, { level: 9 }).length).toBeLessThan(10_500);
  });

  it.skipIf(!canBoot)("ships the key that it pins", () => {
    const shown = execFileSync(commandPath("gpg") ?? "", ["--batch", "--with-colons", "--show-keys"], {
      env: { PATH: process.env.PATH, GNUPGHOME: keyFolder },
      input: agentFile("spacelift/signing-key.asc"),
      encoding: "utf8",
      stdio: "pipe",
    });
    const fingerprints = [...shown.matchAll(/^fpr:+([0-9A-F]{40}):/gm)].map(([, fingerprint]) => fingerprint);
    expect(fingerprints).toEqual(["175FD97AD2358EFE02832978E302FB5AA29D88F7"]);
    expect(agentFile("spacelift/boot.sh")).toContain(fingerprints[0]);
  });
});
