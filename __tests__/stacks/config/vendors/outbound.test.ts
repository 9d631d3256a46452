import { describe, expect, it } from "vitest";
import { ConfigError } from "../../../../stacks/config/errors.ts";
import { load } from "../files.ts";

const certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:own-AbCdEf";
const parameterArn = "arn:aws:ssm:us-west-2:123456789012:parameter/ca";

const fleets = {
  "hcp-terraform": { kind: "ecs-fleet", vendor: { type: "hcp-terraform", organization: "acme", agentPool: "aws" } },
  "azure-devops": { kind: "ecs-fleet", vendor: { type: "azure-devops", organization: "acme", poolName: "aws" } },
  semaphore: { kind: "ec2-fleet", vendor: { type: "semaphore", organization: "acme" } },
  spacelift: {
    kind: "ec2-fleet",
    vendor: {
      type: "spacelift",
      workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
      endpoint: "https://acme.app.spacelift.io",
      apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
    },
  },
} as const;
type Vendor = keyof typeof fleets;

const configOf = (name: Vendor, vendor: object, more: object) =>
  JSON.stringify({ region: "us-west-2", ...fleets[name], ...more, vendor: { ...fleets[name].vendor, ...vendor } });
const warningsOf = (name: Vendor, vendor: object, more: object = {}) =>
  load({ "config/fleet.yaml": configOf(name, vendor, more) }).warnings;

/** `path: message, found …` of everything that is wrong in the file. */
function errorsOf(name: Vendor, vendor: object, more: object = {}): readonly string[] {
  try {
    load({ "config/fleet.yaml": configOf(name, vendor, more) });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.errors.map((line) => line.replace(/^config\/fleet\.yaml:\d+:\d+: /, ""));
  }
}

describe.each(Object.keys(fleets) as Vendor[])("vendor of %s", (name) => {
  it.each([
    { caCertificates: [certificate] },
    { caCertificates: [`${certificate}${certificate}`, certificate.replace("MIIB", "MIIC")] },
    { caCertificates: { arn } },
    { caCertificates: { arn: `${arn}:ca::` } },
    { caCertificates: { arn: parameterArn } },
    { proxy: { url: "http://proxy.example.com:3128" } },
    { proxy: { url: "https://10.0.0.1:443", noProxy: [".example.com", "10.0.0.0/8"], credentials: { arn } } },
    { proxy: { url: "http://[fd00::1]:3128" } },
  ])("takes %j", (vendor) => {
    expect(errorsOf(name, vendor)).toEqual([]);
  });

  it.each([
    [{ caCertificates: ["MIIB"] }, "vendor.caCertificates[0]: must be certificates in PEM form"],
    [{ caCertificates: [certificate, certificate] }, "vendor.caCertificates: must not repeat an item"],
    [{ caCertificates: { arn: "arn:aws:sns:us-west-2:123456789012:x" } }, "caCertificates.arn: must be the ARN of"],
    [{ caCertificates: { arn: "arn:aws:s3:::bucket/ca" } }, "or an SSM parameter, not of an object of S3"],
    [{ caCertificates: "MIIB" }, "vendor.caCertificates: must be a list of certificates in PEM form, or { arn: … }"],
    [{ proxy: {} }, "vendor.proxy.url: must be an http or https URL with a port"],
    [{ proxy: { url: "http://proxy.example.com" } }, "vendor.proxy.url: must be an http or https URL with a port"],
    [{ proxy: { url: "socks5://proxy.example.com:1080" } }, "vendor.proxy.url: must be an http or https URL"],
    [{ proxy: { url: "http://proxy.example.com:3128/path" } }, "vendor.proxy.url: must be an http or https URL"],
    [{ proxy: { url: "http://proxy.example.com:3128", noProxy: ["a,b"] } }, "vendor.proxy.noProxy[0]: must be a host"],
    [{ proxies: { http: "http://a:1" } }, "vendor.proxies: is now vendor.proxy: { url, noProxy, credentials }"],
  ] as const)("refuses %j", (vendor, message) => {
    const errors = errorsOf(name, vendor);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(message);
  });

  it.each([
    "http://user:canary@proxy.example.com:3128",
    "https://canary@proxy.example.com:3128",
    "http://user:can/ary@proxy.example.com:3128",
    "http://us er:canary#x@proxy.example.com:3128",
  ])("refuses the proxy %s and does not repeat it", (url) => {
    const errors = errorsOf(name, { proxy: { url } });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^vendor\.proxy\.url: must not hold a user or password: .*found a value \(not shown/);
    expect(errors[0]).not.toMatch(/canary|can\/ary/);
  });

  it("warns of a proxy that functions outside of the network may not reach", () => {
    const proxy = { url: "http://proxy.example.com:3128" };
    expect(warningsOf(name, { proxy })).toContainEqual(
      expect.stringMatching(/vendor\.proxy: is used by the functions/),
    );
    expect(warningsOf(name, { proxy }, { loop: { inNetwork: true } }).join()).not.toContain("vendor.proxy");
    expect(warningsOf(name, {}).join()).not.toContain("vendor.proxy");
  });

  it.each([
    "s3://bucket/ca.pem",
    ["s3://bucket/ca.pem"],
    ["arn:aws:s3:::bucket/ca.pem"],
    "https://bucket.s3.us-west-2.amazonaws.com/ca.pem",
  ])("says that certificates cannot be an object of S3, as %j", (caCertificates) => {
    const errors = errorsOf(name, { caCertificates });
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(/^vendor\.caCertificates\S*: cannot be an object of S3: .*65536 bytes.*adr\/0020/);
  });

  it("refuses more certificates than a secret of AWS holds", () => {
    const long = (index: number) => certificate.replace("MIIB", `MIIB${"A".repeat(1_300)}${index}`);
    const chain = (count: number) => Array.from({ length: count }, (_, index) => long(index));
    expect(errorsOf(name, { caCertificates: chain(48) })).toEqual([]);
    expect(errorsOf(name, { caCertificates: chain(49) })).toEqual([
      expect.stringContaining("vendor.caCertificates: must have at most 65536 bytes together"),
    ]);
  });

  it.each([
    { caCertificates: ["-----BEGIN EC PRIVATE KEY-----\ncanary\n-----END EC PRIVATE KEY-----\n"] },
    { caCertificates: "-----BEGIN PRIVATE KEY-----\ncanary\n" },
    { caCertificates: { text: "canary" } },
    { caCertificates: [`${certificate}-----BEGIN PRIVATE KEY-----\ncanary\n`] },
    { caCertificates: { arn: "canary" } },
    { proxy: { url: "http://proxy.example.com:3128", credentials: "user:canary" } },
    { proxy: { url: "http://proxy.example.com:3128", credentials: ["canary"] } },
    { proxy: { url: "http://proxy.example.com:3128", credentials: { arn: "user:canary" } } },
    { proxy: { url: "http://proxy.example.com:3128", credentials: { "user:canary": 1 } } },
  ])("refuses what is pasted at the wrong place, and does not repeat it: %j", (vendor) => {
    const errors = errorsOf(name, vendor);
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.join("\n")).not.toContain("canary");
  });

  it("takes setup where agents run on instances", () => {
    const errors = errorsOf(name, { setup: "echo \"$(x)\" 'y'\n" });
    expect(errors.length).toBe(fleets[name].kind === "ec2-fleet" ? 0 : 1);
  });
});

/** Every way to write a user or password before a host that people or URL parsers know. */
const ways = [
  "https://user:canary@HOST",
  "https://canary@HOST",
  "HTTPS://USER:canary@HOST",
  "https:user:canary@HOST",
  "https:/user:canary@HOST",
  "https:/\n/user:canary@HOST",
  "https:\\\\user:canary@HOST",
  "ht\ttps://user:canary@HOST",
  " https://user:canary@HOST",
  "https:///user:canary@HOST",
  "https://user%3Acanary@HOST",
  "https://user%3acanary%40HOST",
  "https://user:canary\uFF20HOST",
  "https://user:can/canary@HOST",
  "user:canary@HOST",
  "user:can/canary@HOST",
  "canary@HOST:3128",
];

/** Every key of the configs that takes a URL. */
const urlKeys: readonly (readonly [key: string, errors: (url: string) => readonly string[]])[] = [
  ["vendor.address", (url) => errorsOf("hcp-terraform", { address: url })],
  [
    "vendor.collectionUrl",
    (url) => errorsOf("azure-devops", { organization: undefined, collectionUrl: `${url}/Main` }),
  ],
  ["vendor.endpoint", (url) => errorsOf("spacelift", { endpoint: url })],
  ["vendor.commsUrl", (url) => errorsOf("spacelift", { commsUrl: url })],
  ["vendor.proxy.url", (url) => errorsOf("semaphore", { proxy: { url } })],
  [
    "alarms.subscriptions[0].url",
    (url) => errorsOf("semaphore", {}, { alarms: { subscriptions: [{ protocol: "https", url }] } }),
  ],
];

describe("a URL with a user and a password", () => {
  it.each(
    urlKeys.flatMap(([key, errors]) => ways.map((way) => [key, way, errors] as const)),
  )("is refused, and not repeated, as %s: %j", (key, way, errorsOfKey) => {
    const errors = errorsOfKey(way.replace("HOST", "host.example.com"));
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatch(new RegExp(`^${key.replace(/[.[\]]/g, "\\$&")}: must not hold a user or password`));
    expect(errors[0]).not.toContain("canary");
  });

  it.each([
    "https://hooks.example.com/a@b:c",
    "https://hooks.example.com:8443/x%40y",
    "https://hooks.example.com/?to=a@b",
  ])("is not seen in %s", (url) => {
    expect(errorsOf("semaphore", {}, { alarms: { subscriptions: [{ protocol: "https", url }] } })).toEqual([]);
  });
});
