import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hasOpenssl, makeAuthorities } from "../fakes/private-network.ts";
import { containersOf, single } from "./azure-devops.ts";
import { bootProgramOf, environmentOf, semaphore, spacelift } from "./ec2-fleet.ts";
import { minimal, resources, rightsOf, type Synthesized, synthesize } from "./synth.ts";

const certificate = `-----BEGIN CERTIFICATE-----\n${"TUlJQg".repeat(10)}\n-----END CERTIFICATE-----\n`;
const arn = (name: string) => `arn:aws:secretsmanager:us-west-2:123456789012:secret:${name}-AbCdEf`;
const proxy = {
  url: "http://proxy.example.com:3128",
  noProxy: [".internal"],
  credentials: { arn: `${arn("proxy")}:login::` },
};
const fleets = { "hcp-terraform": minimal, "azure-devops": single, semaphore, spacelift };
type Vendor = keyof typeof fleets;
const fleetOf = (name: Vendor, vendor: object) =>
  synthesize({ ...fleets[name], vendor: { ...fleets[name].vendor, ...vendor } });

/** The resources that a role of the stack may read secrets from. */
function readable(stack: Synthesized, role: string): readonly unknown[] {
  return rightsOf(stack, role).flatMap(({ Action, Resource }) =>
    JSON.stringify(Action).includes("GetSecretValue") ? [Resource].flat() : [],
  );
}

/** The functions that call the vendor, with the ends of their names. */
const callers: Readonly<Record<Vendor, readonly string[]>> = {
  "hcp-terraform": ["autoscale"],
  "azure-devops": ["autoscale", "retire"],
  semaphore: ["autoscale", "retire"],
  spacelift: ["autoscale", "retire"],
};

describe.each(Object.keys(fleets) as Vendor[])("a fleet of %s", (name) => {
  it("tells its functions the ARNs, and lets exactly those read them that call the vendor", () => {
    const stack = fleetOf(name, { caCertificates: { arn: arn("ca") }, proxy });
    const outbound = {
      caCertificatesArn: arn("ca"),
      proxy: { url: proxy.url, noProxy: proxy.noProxy, credentialsArn: proxy.credentials.arn },
    };
    for (const each of callers[name]) {
      expect(JSON.parse(environmentOf(stack, `ci-${each}`).OUTBOUND ?? "")).toEqual(outbound);
      expect(readable(stack, `${each}-role`)).toEqual(expect.arrayContaining([arn("ca"), arn("proxy")]));
    }
    expect(environmentOf(stack, "ci-release")).not.toHaveProperty("OUTBOUND");
    expect(JSON.stringify(stack)).not.toContain("secret_string");
  });

  it("has no trace of it without the keys", () => {
    expect(JSON.stringify(fleetOf(name, {}))).not.toMatch(
      /"OUTBOUND|AGENT_FLEETS_(?:CA|PROXY|NO_PROXY|SETUP)\w*=(?!\$)|outbound_ca-/,
    );
  });

  it.skipIf(!hasOpenssl)(
    "takes nine certificates of 2,048 bits, which no environment and no user data could hold",
    () => {
      const certificates = makeAuthorities(9);
      const stack = fleetOf(name, { caCertificates: certificates });
      const [version] = resources(stack, "aws_secretsmanager_secret_version");
      expect(version?.secret_string).toBe(certificates.join(""));
      const { caCertificatesArn } = JSON.parse(environmentOf(stack, "ci-autoscale").OUTBOUND ?? "");
      expect(caCertificatesArn).toMatch(/^\$\{aws_secretsmanager_secret\.outbound_ca-certificates_.*\.arn\}$/);
    },
  );
});

describe("the webhook", () => {
  function withWebhook(manage: object) {
    const outbound = { caCertificates: { arn: arn("ca") }, proxy };
    return synthesize({
      ...minimal,
      vendor: { ...minimal.vendor, ...outbound, webhook: { enabled: true }, manage },
      secrets: { notificationToken: { variable: "notification_token" } },
    });
  }

  it("that answers run tasks reaches the vendor in the same way", () => {
    const stack = withWebhook({ runTask: { name: "wake", workspaces: ["net"] } });
    expect(environmentOf(stack, "ci-webhook").OUTBOUND).toBe(environmentOf(stack, "ci-autoscale").OUTBOUND);
    expect(environmentOf(stack, "ci-webhook").OUTBOUND).toContain(arn("ca"));
    expect(readable(stack, "webhook-role")).toEqual(expect.arrayContaining([arn("ca"), arn("proxy")]));
  });

  it("that never calls the vendor knows nothing of it", () => {
    const stack = withWebhook({ notifications: { workspaces: ["net"] } });
    expect(environmentOf(stack, "ci-webhook")).not.toHaveProperty("OUTBOUND");
    expect(readable(stack, "webhook-role")).not.toContain(arn("proxy"));
  });
});

describe.each(["spacelift", "semaphore"] as const)("instances of %s", (name) => {
  it("get short certificates with their user data, before any call of AWS", () => {
    const program = bootProgramOf(fleetOf(name, { caCertificates: [certificate], proxy }));
    expect(program).toContain(`AGENT_FLEETS_CA_CERTIFICATES='${certificate}'`);
    expect(program).toContain(`AGENT_FLEETS_PROXY_URL='${proxy.url}'`);
    expect(program).toContain("AGENT_FLEETS_NO_PROXY='.internal'");
    expect(program).toContain(`AGENT_FLEETS_PROXY_CREDENTIALS_ARN='${proxy.credentials.arn}'`);
  });

  it.skipIf(!hasOpenssl)("read long ones from the secret", () => {
    const stack = fleetOf(name, { caCertificates: makeAuthorities(9) });
    expect(bootProgramOf(stack)).toMatch(/AGENT_FLEETS_CA_CERTIFICATES_ARN='\$\{aws_secretsmanager_secret\./);
    expect(readable(stack, "instance")).toContainEqual(expect.stringContaining("outbound_ca-certificates"));
  });

  it("get setup as it stands, whatever Terraform or a shell would make of it", () => {
    const setup = "echo \"$(date)\" ${x} %{if} $${y} 'q' \\ 100%\n\texport Ü=1\n";
    const text = bootProgramOf(fleetOf(name, { setup }));
    const line = setup.replaceAll("'", "'\\''").replaceAll(/[$%](?=\{)/g, "$&$&");
    expect(text).toContain(`AGENT_FLEETS_SETUP='${line}'\n`);
  });
});

describe("an agent in a container", () => {
  const folder = mkdtempSync(join(tmpdir(), "outbound-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const bundle = join(folder, "bundle.pem");

  /** Runs the container's program with another one in place of the agent. Resolves to the agent's environment. */
  function run(name: "hcp-terraform" | "azure-devops", vendor: object, injected: Readonly<Record<string, string>>) {
    const [container] = containersOf(fleetOf(name, vendor));
    const agent = join(folder, "agent");
    writeFileSync(agent, `#!/bin/sh\nenv -0 >${folder}/environment\n`, { mode: 0o755 });
    const [text = "", ...rest] = container?.command as string[];
    const program = text.replace("/usr/local/lib/agent-fleets/start.sh", agent);
    const environment = Object.fromEntries(
      (container?.environment as { name: string; value: string }[]).map((each) => [each.name, each.value]),
    );
    // The entry point of HCP Terraform's agent is the second argument's text.
    const args = name === "hcp-terraform" ? [rest[0] ?? "", `exec ${agent}`] : [];
    const { status, stderr } = spawnSync("/bin/sh", ["-c", program.replaceAll("$${", "${"), ...args], {
      env: { PATH: process.env.PATH, ...environment, AGENT_FLEETS_CA_BUNDLE: bundle, ...injected },
      encoding: "utf8",
    });
    const text0 = status === 0 ? readFileSync(join(folder, "environment"), "utf8") : "";
    const entries = text0.split("\0").slice(0, -1);
    return {
      status,
      stderr,
      container,
      environment: Object.fromEntries(
        entries.map((each) => [each.split("=", 1)[0], each.slice(each.indexOf("=") + 1)]),
      ),
    };
  }

  const vendor = { caCertificates: [certificate], proxy };
  const credentials = "fleet@acme:p/s:w ö'\"%";

  it.each(["hcp-terraform", "azure-devops"] as const)("of %s gets the proxy and a bundle of certificates", (name) => {
    const { environment, container } = run(name, vendor, {
      TFC_AGENT_TOKEN: "token",
      AGENT_FLEETS_CA_CERTIFICATES: certificate,
      AGENT_FLEETS_PROXY_CREDENTIALS: `${credentials}\n`,
      file: "mine",
      credentials: "mine",
    });
    const url = environment.HTTPS_PROXY ?? "";
    expect(decodeURIComponent(url)).toBe(`http://${credentials}@proxy.example.com:3128`);
    expect(new URL(url).host).toBe("proxy.example.com:3128");
    expect(environment).toMatchObject({ http_proxy: url, HTTP_PROXY: url, https_proxy: url });
    expect(environment.NO_PROXY).toBe(".internal,169.254.170.2,169.254.170.23,169.254.169.254");
    expect(environment).toMatchObject({ SSL_CERT_FILE: bundle, NODE_EXTRA_CA_CERTS: bundle, GIT_SSL_CAINFO: bundle });
    expect(readFileSync(bundle, "utf8")).toContain(certificate);
    expect(Object.keys(environment).filter((key) => /^AGENT_FLEETS_(?:CA|PROXY|NO)/.test(key))).toEqual([]);
    expect(environment).toMatchObject({ file: "mine", credentials: "mine" });
    const names = (container?.secrets as { name: string }[]).map((secret) => secret.name);
    expect(names).toEqual(expect.arrayContaining(["AGENT_FLEETS_CA_CERTIFICATES", "AGENT_FLEETS_PROXY_CREDENTIALS"]));
  });

  it.each([
    "hcp-terraform",
    "azure-devops",
  ] as const)("of %s gets certificates alone, whatever is beside them", (name) => {
    const other = certificate.replaceAll("TUlJQg", "QUFBQQ");
    const key = "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n";
    const secret = `\uFEFF${certificate}subject=/CN=canary\n${key}${other}`.replaceAll("\n", "\r\n");
    const injected = { TFC_AGENT_TOKEN: "token", AGENT_FLEETS_PROXY_CREDENTIALS: credentials };
    const { status } = run(name, vendor, { ...injected, AGENT_FLEETS_CA_CERTIFICATES: secret });
    expect(status).toBe(0);
    const text = readFileSync(bundle, "utf8");
    expect(text.endsWith(`\n${certificate}${other}`)).toBe(true);
    expect(text).not.toContain("canary");
  });

  it("of Azure DevOps takes the proxy by its own variables, and publishes none of them", () => {
    const { environment, container } = run("azure-devops", vendor, {
      AGENT_FLEETS_CA_CERTIFICATES: certificate,
      AGENT_FLEETS_PROXY_CREDENTIALS: credentials,
    });
    expect(container?.entryPoint).toEqual(["/usr/bin/tini", "-s", "--", "/bin/sh", "-c"]);
    expect(environment).toMatchObject({
      VSTS_HTTP_PROXY: proxy.url,
      VSTS_HTTP_PROXY_USERNAME: "fleet@acme",
      VSTS_HTTP_PROXY_PASSWORD: "p/s:w ö'\"%",
    });
    const ignored = environment.VSO_AGENT_IGNORE?.split(",") ?? [];
    const set = Object.keys(environment).filter((key) => /PROXY|proxy|CERT|CAINFO|CA_BUNDLE/.test(key));
    expect(set.length).toBeGreaterThan(12);
    expect(set.filter((key) => !ignored.includes(key))).toEqual([]);
  });

  it.each([
    "hcp-terraform",
    "azure-devops",
  ] as const)("of %s keeps the image's own program without the keys", (name) => {
    const [container] = containersOf(fleetOf(name, {}));
    expect(JSON.stringify(container)).not.toContain("outbound");
    if (name === "azure-devops") expect(container).not.toHaveProperty("command");
  });

  it.each([
    [{ AGENT_FLEETS_CA_CERTIFICATES: "nothing of the kind" }, "vendor.caCertificates hold no certificates"],
    [{ AGENT_FLEETS_PROXY_CREDENTIALS: "nobody" }, "vendor.proxy.credentials must hold user:password"],
    [
      { AGENT_FLEETS_CA_CERTIFICATES: certificate, AGENT_FLEETS_CA_BUNDLE: "/no/such/folder/x" },
      "cannot be written to /no/such/folder/x",
    ],
  ])("ends with a reason: %j", (injected, reason) => {
    const { status, stderr } = run("azure-devops", vendor, injected);
    expect(stderr).toContain(reason);
    expect(status).toBe(78);
  });
});
