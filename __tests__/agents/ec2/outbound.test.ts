import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it, type TestContext } from "vitest";
import { namesOfBash } from "../../fixtures/bash-names.ts";
import { canBoot as canBootAgent, makeAgentHost } from "../semaphore/host.ts";
import { arns, canBoot as canBootWorker, makeWorkerHost, removeKeys, settings } from "../spacelift/worker.ts";
import { canPlay, type Host, makeHost, mode, type Outcome, type Settings } from "./host.ts";

afterAll(removeKeys);

const base64 = (text: string) => Buffer.from(text).toString("base64");
const certificate = (name: string) => `-----BEGIN CERTIFICATE-----\n${base64(name)}\n-----END CERTIFICATE-----\n`;
const caArn = "arn:aws:ssm:us-west-2:123456789012:parameter/ca";
const credentialsArn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:proxy-AbCdEf";

type Environment = Readonly<Record<string, string>>;
interface BootingHost extends Host {
  start(changes: Settings): Promise<Outcome & { readonly environment: Environment | undefined }>;
}

/** An instance of each vendor, with everything in place. */
const vendors: Readonly<Record<string, { can: boolean; make: (t: TestContext) => Promise<BootingHost> }>> = {
  spacelift: { can: canBootWorker, make: makeWorkerHost },
  semaphore: {
    can: canBootAgent,
    make: async (t) => {
      const host = await makeAgentHost(t);
      return {
        ...host,
        start: async (changes) => {
          const boot = await host.start(changes);
          return { ...boot, environment: boot.config && boot.environment };
        },
      };
    },
  },
};

/** Names that the boot program uses, or that bash treats in its own way, all set to what would break it. */
const hostile = `
domain=x root=/nowhere home=y logs=z run=1 launcher=/bin/false worker=1 agent=/bin/false configuration=/x unit=u
passed=() alone='exit 1' tried=7 ca_bundle=/x token=t drained=1 metadata_service=http://0 name= IFS=: PS4='$(exit 9)'
fail() { exit 3; }; log() { exit 3; }; pass() { exit 3; }; retry() { exit 3; }; await_service() { exit 3; }
export AGENT_FLEETS_ROOT=/nowhere AGENT_FLEETS_REGION=mars BASH_ENV=/nowhere/env domain root home logs run IFS
shopt -s nullglob; set -f; alias exec=false; PATH=/nowhere
`;

describe.each(Object.entries(vendors))("an instance of %s", (_, { can, make }) => {
  describe.skipIf(!can)("with vendor.setup", { concurrent: true }, () => {
    it("runs the commands before the agent, as root would, with the way out and nothing of the boot", async (t) => {
      const host = await make(t);
      const text = `/usr/bin/env -0 >${host.stage}/setup-environment\ndeclare -p >${host.stage}/setup-names\nfalse | true`;
      const boot = await host.start({
        AGENT_FLEETS_SETUP: `${text}\n[[ -e /no/such ]] || echo 'done' "it's" >>${host.stage}/ran`,
        AGENT_FLEETS_CA_CERTIFICATES: certificate("own"),
        AGENT_FLEETS_PROXY_URL: "http://proxy.example.com:3128",
      });
      expect(readFileSync(join(host.stage, "ran"), "utf8")).toBe("done it's\n");
      const entries = readFileSync(join(host.stage, "setup-environment"), "utf8").split("\0");
      expect(entries).toContain("HOME=/root");
      expect(entries).toContain("HTTPS_PROXY=http://proxy.example.com:3128");
      expect(entries).toContain(`SSL_CERT_FILE=${host.root}/etc/agent-fleets/ca-bundle.pem`);
      const names = readFileSync(join(host.stage, "setup-names"), "utf8");
      expect(names).not.toMatch(/ (?:AGENT_FLEETS_\w*|root|home|domain|passed|STAGE)=/);
      expect(mode(join(host.root, "etc/agent-fleets/setup.sh"))).toBe("700");
      expect(boot.environment).toBeDefined();
      expect(boot.calls.indexOf("update-ca-trust ")).toBeGreaterThan(-1);
      expect(boot.calls.findIndex((call) => call.startsWith("timeout 1800 "))).toBeGreaterThan(
        boot.calls.indexOf("update-ca-trust "),
      );
    });

    it.for([
      ["false", "vendor.setup ended with status 1"],
      ["exit 7", "vendor.setup ended with status 7"],
      ["no-such-command --now", "vendor.setup ended with status 127"],
      ["UID=5", "vendor.setup ended with status 1"],
      ["kill -9 $$", "vendor.setup ended with status 137"],
    ] as const)("ends with a reason and a power-off when a command fails: %s", async ([text, reason], t) => {
      const host = await make(t);
      const boot = await host.start({ AGENT_FLEETS_SETUP: `${text}\necho after >${host.stage}/after` });
      expect(boot.log).toContain(`FAILED: ${reason}`);
      expect(boot.file("dev/console")).toContain(reason);
      expect(existsSync(join(host.stage, "after"))).toBe(false);
      expect(boot.environment).toBeUndefined();
      expect(boot.poweredOff).toBe(true);
    });

    it("does not wait for ever", async (t) => {
      const host = await make(t);
      const passing = Array(20).fill(0);
      host.fault("timeout", 124, ...passing);
      const boot = await host.start({ AGENT_FLEETS_SETUP: "sleep 9999" });
      expect(boot.log).toContain("FAILED: vendor.setup did not end within 1800 s");
      expect(boot.poweredOff).toBe(true);
    });

    it("is not changed by any name in the commands", async (t) => {
      const host = await make(t);
      const boot = await host.start({ AGENT_FLEETS_SETUP: `${hostile}\nbuiltin echo ran >${host.stage}/ran` });
      expect(existsSync(join(host.stage, "ran"))).toBe(true);
      expect(boot.log).not.toContain("FAILED");
      expect(boot.environment).toBeDefined();
      expect(boot.environment).not.toHaveProperty("domain");
    });
  });

  describe.skipIf(!can)("behind a proxy and a certificate authority", { concurrent: true }, () => {
    it("gets certificates from a parameter, one a file, and the proxy's credentials from a secret", async (t) => {
      const host = await make(t);
      const chain = Array.from({ length: 9 }, (_unused, index) => certificate(`number ${index}`));
      host.secret(caArn, chain.join("\n"));
      const credentials = "fleet@acme:p/s:w ö'\"%";
      host.secret(credentialsArn, credentials);
      const { environment, file, log, calls } = await host.start({
        AGENT_FLEETS_CA_CERTIFICATES_ARN: caArn,
        AGENT_FLEETS_PROXY_URL: "http://proxy.example.com:3128",
        AGENT_FLEETS_NO_PROXY: ".internal",
        AGENT_FLEETS_PROXY_CREDENTIALS_ARN: credentialsArn,
      });
      const url = environment?.HTTPS_PROXY ?? "";
      expect(decodeURIComponent(url)).toBe(`http://${credentials}@proxy.example.com:3128`);
      expect(new URL(url).host).toBe("proxy.example.com:3128");
      expect(environment).toMatchObject({ http_proxy: url, no_proxy: ".internal,169.254.169.254" });
      expect(environment?.SSL_CERT_FILE).toBe(join(host.root, "etc/agent-fleets/ca-bundle.pem"));
      expect(file("etc/pki/ca-trust/source/anchors/agent-fleets-9.crt").trim()).toBe(chain[8]?.trim());
      expect(file("etc/agent-fleets/ca-bundle.pem").match(/BEGIN/g)).toHaveLength(9);
      expect([...calls, log].join("\n")).not.toContain(new URL(url).password);
      const withCredentials = host.files().filter((path) => readFileSync(path, "utf8").includes(new URL(url).password));
      expect(withCredentials.map((path) => mode(path))).toEqual(["600", "600"]);
    });

    it.for([
      ["with line breaks of Windows and a byte-order mark", (text: string) => `\uFEFF${text.replaceAll("\n", "\r\n")}`],
      [
        "with comments, a key and other objects between them",
        (text: string) =>
          `subject=/CN=one\n${text.replaceAll(
            "-----END CERTIFICATE-----\n",
            "-----END CERTIFICATE-----\n\n# canary\n-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n",
          )}`,
      ],
    ] as const)("gets certificates alone from a text %s", async ([, written], t) => {
      const host = await make(t);
      const [one, two] = [certificate("one"), certificate("two")];
      host.secret(caArn, written(one + two));
      const { environment, file } = await host.start({ AGENT_FLEETS_CA_CERTIFICATES_ARN: caArn });
      expect(environment?.SSL_CERT_FILE).toBeDefined();
      expect(file("etc/pki/ca-trust/source/anchors/agent-fleets-1.crt")).toBe(one);
      expect(file("etc/pki/ca-trust/source/anchors/agent-fleets-2.crt")).toBe(two);
      const readable = host.files().filter((path) => mode(path) === "644");
      expect(readable.filter((path) => readFileSync(path, "utf8").includes("canary"))).toEqual([]);
    });

    it.for([
      ["nothing of the kind", "vendor.caCertificates hold no certificates"],
      ["", `${caArn} holds no text`],
    ] as const)("ends with a reason if the parameter holds %j", async ([text, reason], t) => {
      const host = await make(t);
      host.secret(caArn, text);
      const boot = await host.start({ AGENT_FLEETS_CA_CERTIFICATES_ARN: caArn });
      expect(boot.log).toContain(reason);
      expect(boot.environment).toBeUndefined();
      expect(boot.poweredOff).toBe(true);
    });
  });
});

describe.skipIf(!canBootWorker).concurrent("the names of a Spacelift worker's user", () => {
  it("change nothing in the boot from the configuration, and reach the launcher if they are exported", async (t) => {
    const host = await makeWorkerHost(t);
    const text = `${hostile}\nulimit -n 123; umask 027; set -u; trap - EXIT\nexport SEEN=yes`;
    const { environment, log } = await host.start({
      AGENT_FLEETS_SPACELIFT_CONFIGURATION: base64(text),
      AGENT_FLEETS_CA_CERTIFICATES: certificate("own"),
    });
    expect(log).not.toContain("FAILED");
    expect(environment).toMatchObject({ SEEN: "yes", domain: "x", root: "/nowhere", SPACELIFT_METADATA_asg_id: "ci" });
    expect(environment?.SPACELIFT_WHITELIST_ENVS).toContain("SSL_CERT_FILE");
    expect(readFileSync(join(host.stage, "umask"), "utf8").trim()).toBe("0027");
  });

  it("cannot be names that bash sets itself, from the configuration", async (t) => {
    const boot = await (await makeWorkerHost(t)).start({ AGENT_FLEETS_SPACELIFT_CONFIGURATION: base64("UID=5") });
    expect(boot.log).toContain("FAILED: the configuration ended with status 1");
    expect(boot.environment).toBeUndefined();
  });

  it.for([
    "domain",
    "root",
    "home",
    "logs",
    "run",
    "PATH",
    "BASH_ENV",
    "LD_LIBRARY_PATH",
    "AWS_PROFILE",
    "AGENT_FLEETS_ROOT",
    "MAPFILE_",
    "HTTPS_PROXY",
    "_arn",
    "name",
    "value",
    "worker_environment",
  ])("change nothing in the boot from a secret, and reach the launcher: %s", async (name, t) => {
    const host = await makeWorkerHost(t);
    host.secret(arns.extra, "/no/such:thing");
    const { environment, log } = await host.start({
      AGENT_FLEETS_SPACELIFT_ENVIRONMENT: `${name}=${arns.extra}\n${settings().AGENT_FLEETS_SPACELIFT_ENVIRONMENT}`,
    });
    expect(log).not.toContain("FAILED");
    expect(environment).toMatchObject({ [name]: "/no/such:thing" });
  });

  it.for(namesOfBash)("are refused from a secret if bash sets them itself: %s", async (name, t) => {
    const { environment, log } = await (await makeWorkerHost(t)).start({
      AGENT_FLEETS_SPACELIFT_ENVIRONMENT: `${name}=${arns.extra}`,
    });
    expect(environment).toBeUndefined();
    expect(log).toContain(`FAILED: '${name}' cannot be the name of a variable`);
  });
});

describe.skipIf(!canPlay)("a process of the user's", () => {
  it("shows its environment in no argument", async (t) => {
    const host = await makeHost(t);
    const { output } = await host.library(
      `env -i /bin/bash -c "$alone" bash /bin/bash -c 'echo "$SECRET"; tr "\\0" " " </proc/$$/cmdline' \\
        3< <(printf '%s\\0' PATH="$PATH" SECRET=canary)`,
    );
    expect(output.split("\n")[0]).toBe("canary");
    expect(output.match(/canary/g)).toHaveLength(1);
  });
});
