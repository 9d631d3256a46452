import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contains, overlap } from "../../../stacks/config/network/cidr.ts";
import { subnetCidrs } from "../../../stacks/config/network/subnets.ts";
import { endpointsOf } from "../../../stacks/config/network/vpc.ts";
import type { NetworkStackConfig } from "../../../stacks/config/network-stack.ts";
import { errorsOf, load, messagesIn, minimal } from "./files.ts";

const network = "kind: network\nregion: us-west-2\n";

function configOf(text: string): NetworkStackConfig {
  const [stack] = load({ "config/net.yaml": network + text }).stacks;
  if (stack?.config.kind !== "network") throw new Error("no network");
  return stack.config;
}

/** What is wrong, found by a network stack; the same must be found in a fleet's own network. */
function errorsWith(text: string): readonly string[] {
  const errors = messagesIn(network + text);
  const inFleet = messagesIn(`${minimal}network:\n  create:\n${text.replaceAll(/^/gm, "    ")}`);
  expect(inFleet).toEqual(errors.map((error) => `network.create.${error}`));
  return errors;
}

it("needs only a region", () => {
  expect(configOf("")).toEqual({
    kind: "network",
    region: "us-west-2",
    cidr: "10.40.0.0/16",
    availabilityZones: 2,
    egress: "single-nat",
    ipv6: false,
    logs: { retentionDays: 30 },
    iam: {},
    backend: { type: "local" },
    providers: {},
    tags: {},
  });
});

describe("ranges that cannot be", () => {
  it.each([
    [
      "cidr: 10.0.0.0/15",
      "cidr: must be an IPv4 range from /16 to /28 that starts at its first address, such as 10.40.0.0/16",
    ],
    ["cidr: 10.0.0.1/16", "cidr: must be an IPv4 range from /16 to /28 that starts at its first address"],
    ["publicSubnetCidrs: [ten]", "publicSubnetCidrs[0]: must be an IPv4 range from /16 to /28"],
    ["cidr: 10.0.0.0/25", "cidr: must be /24 or larger: subnets are its sixteenths, and AWS has none smaller than /28"],
    [
      "publicSubnetCidrs: [10.40.0.0/24, 10.40.1.0/24]",
      "privateSubnetCidrs: must be given too, as publicSubnetCidrs is, but is missing",
    ],
    [
      "privateSubnetCidrs: [10.40.0.0/24, 10.40.1.0/24]",
      "publicSubnetCidrs: must be given too, as privateSubnetCidrs is, but is missing",
    ],
    [
      "egress: public-ip\npublicSubnetCidrs: [10.40.0.0/24, 10.40.1.0/24]\nprivateSubnetCidrs: [10.40.2.0/24, 10.40.3.0/24]",
      "privateSubnetCidrs: must be left out: with egress public-ip there are no private subnets, found a list of 2",
    ],
    [
      "egress: endpoints-only\npublicSubnetCidrs: [10.40.0.0/24, 10.40.1.0/24]\nprivateSubnetCidrs: [10.40.2.0/24, 10.40.3.0/24]",
      "publicSubnetCidrs: must be left out: with egress endpoints-only there are no public subnets, found a list of 2",
    ],
    [
      "egress: public-ip\npublicSubnetCidrs: [10.40.0.0/24, 10.40.1.0/24, 10.40.2.0/24]",
      "publicSubnetCidrs: must have one range for each availability zone, of which there are 2, found a list of 3",
    ],
    [
      "availabilityZones: [us-west-2a]\negress: endpoints-only\nprivateSubnetCidrs: [10.40.0.0/24, 10.40.1.0/24]",
      "privateSubnetCidrs: must have one range for each availability zone, of which there are 1, found a list of 2",
    ],
    [
      "egress: public-ip\npublicSubnetCidrs: [10.40.0.0/24, 10.41.0.0/24]",
      "publicSubnetCidrs: must lie inside the VPC's 10.40.0.0/16, which 10.41.0.0/24 does not, found a list of 2",
    ],
    [
      "egress: public-ip\navailabilityZones: 1\ncidr: 10.40.1.0/24\npublicSubnetCidrs: [10.40.0.0/23]",
      "publicSubnetCidrs: must lie inside the VPC's 10.40.1.0/24, which 10.40.0.0/23 does not, found a list of 1",
    ],
    [
      "egress: public-ip\npublicSubnetCidrs: [10.40.0.0/24, 10.40.0.128/25]",
      "publicSubnetCidrs: must not overlap, as 10.40.0.0/24 and 10.40.0.128/25 do, found a list of 2",
    ],
    [
      "publicSubnetCidrs: [10.40.0.0/24, 10.40.1.0/24]\nprivateSubnetCidrs: [10.40.2.0/24, 10.40.0.0/23]",
      "privateSubnetCidrs: must not overlap, as 10.40.0.0/24 and 10.40.0.0/23 do, found a list of 2",
    ],
    [
      "egress: public-ip\npublicSubnetCidrs: [10.40.0.0/24, 10.40.0.0/24]",
      "publicSubnetCidrs: must not repeat an item, found a list of 2",
    ],
  ])("%s", (text, error) => {
    expect(errorsWith(text)).toEqual([expect.stringContaining(error)]);
  });

  it("are all told at once, for each list the first thing that is wrong", () => {
    const text = [
      "cidr: 10.40.0.0/20",
      "publicSubnetCidrs: [10.41.0.0/24, 10.41.0.0/25, 10.41.2.0/24]",
      "privateSubnetCidrs: [10.40.0.0/24, 10.40.1.1/24]",
    ];
    expect(errorsWith(text.join("\n"))).toEqual([
      expect.stringMatching(/^publicSubnetCidrs: must have one range for each availability zone/),
      expect.stringMatching(/^privateSubnetCidrs\[1\]: must be an IPv4 range/),
    ]);
  });
});

describe("zones", () => {
  it.each([
    ["availabilityZones: 0", "availabilityZones: must be a whole number from 1 to 6, found 0"],
    ["availabilityZones: 7", "availabilityZones: must be a whole number from 1 to 6, found 7"],
    ["availabilityZones: []", "availabilityZones: must be a list of at least 1, found an empty list"],
    ["availabilityZones: [us-west-2a, us-west-2a]", "availabilityZones: must not repeat an item, found a list of 2"],
    [
      "availabilityZones: us-west-2a",
      'availabilityZones: must be a whole number from 1 to 6 or a list of so many zones, such as [us-west-2a, us-west-2b], found "us-west-2a"',
    ],
    [
      "availabilityZones: [us-west-2]",
      'availabilityZones[0]: must be the name of an availability zone, such as us-west-2a, found "us-west-2"',
    ],
    [
      "availabilityZones: [us-west-2a, us-east-1b]",
      "availabilityZones: must be zones of us-west-2, which us-east-1b is not, found a list of 2",
    ],
  ])("%s are refused", (text, error) => {
    expect(errorsWith(text)).toEqual([error]);
  });

  it.each(["[us-west-2a]", "[us-west-2b, us-west-2-lax-1a]", "6"])("may be %s", (zones) => {
    expect(() => configOf(`availabilityZones: ${zones}\n`)).not.toThrow();
  });
});

describe("endpoints", () => {
  it.each([
    [
      "endpoints: [ecr]",
      /^endpoints\[0\]: must be one of ecr\.api, ecr\.dkr, logs, .*ecs-telemetry, lambda, s3, dynamodb, found "ecr"$/,
    ],
    ["endpoints: [s3, s3]", /^endpoints: must not repeat an item/],
    ["egress: endpoints-only\nendpoints: []", /^endpoints: must not be empty with egress endpoints-only/],
  ])("%s are refused", (text, error) => {
    expect(errorsWith(text)).toEqual([expect.stringMatching(error)]);
  });

  it("are the free ones, and with no other way out what tasks and hosts need", () => {
    expect(endpointsOf(configOf(""))).toEqual(["s3", "dynamodb"]);
    expect(endpointsOf(configOf("endpoints: []\n"))).toEqual([]);
    expect(endpointsOf(configOf("egress: endpoints-only\n"))).toEqual([
      "ecr.api",
      "ecr.dkr",
      "logs",
      "ssm",
      "ssmmessages",
      "secretsmanager",
      "sts",
      "ecs",
      "ecs-agent",
      "ecs-telemetry",
      "s3",
      "dynamodb",
    ]);
  });
});

describe("subnets", () => {
  const egress = fc.constantFrom("public-ip", "single-nat", "nat-per-az", "endpoints-only");
  const zones = fc.integer({ min: 1, max: 6 });
  const cidr = fc.integer({ min: 16, max: 24 }).map((prefix) => `10.64.0.0/${prefix}`);

  it("lie in the VPC and apart, one of each kind per zone, and stay where they are when a zone is added", () => {
    fc.assert(
      fc.property(egress, zones, cidr, (egress, availabilityZones, cidr) => {
        const vpc = { egress, availabilityZones, cidr };
        const cidrs = subnetCidrs(vpc);
        expect([cidrs.public.length, cidrs.private.length]).toEqual([
          egress === "endpoints-only" ? 0 : availabilityZones,
          egress === "public-ip" ? 0 : availabilityZones,
        ]);
        const all = [...cidrs.public, ...cidrs.private];
        for (const [index, subnet] of all.entries()) {
          expect(contains(cidr, subnet)).toBe(true);
          expect(all.slice(0, index).some((other) => overlap(other, subnet))).toBe(false);
        }
        const larger = subnetCidrs({ ...vpc, availabilityZones: availabilityZones + 1 });
        expect(larger.public.slice(0, cidrs.public.length)).toEqual(cidrs.public);
        expect(larger.private.slice(0, cidrs.private.length)).toEqual(cidrs.private);
      }),
    );
  });

  it("are the given ones where they are given", () => {
    const given = configOf(
      "cidr: 10.0.0.0/26\navailabilityZones: 1\npublicSubnetCidrs: [10.0.0.0/28]\nprivateSubnetCidrs: [10.0.0.32/27]\n",
    );
    expect(subnetCidrs(given)).toEqual({ public: ["10.0.0.0/28"], private: ["10.0.0.32/27"] });
  });
});

describe("a network that stacks share", () => {
  const fleet = `${minimal}network: { stack: shared }\n`;

  it("may be in the same folder", () => {
    const { stacks, warnings } = load({ "config/fleet.yaml": fleet, "config/shared.yaml": network });
    expect(stacks).toHaveLength(2);
    expect(warnings).toEqual([]);
  });

  it("may be deployed from elsewhere", () => {
    const elsewhere = `${minimal}network: { stack: shared, elsewhere: true }\n`;
    expect(load({ "config/fleet.yaml": elsewhere })).toMatchObject({ warnings: [], stacks: [{ name: "fleet" }] });
  });

  it("may be a neighbour of the one file that is loaded", () => {
    const files = { "config/fleet.yaml": fleet, "config/shared.yaml": network };
    expect(load(files, "config/fleet.yaml").stacks).toHaveLength(1);
  });

  it.each([
    [minimal, "must be a stack of kind network, but shared is of kind ecs-fleet"],
    [
      network.replace("us-west-2", "eu-west-1"),
      "must be in this stack's region, us-west-2, but shared is in eu-west-1",
    ],
  ])("is not a stack of another kind or region", (shared, error) => {
    expect(errorsOf(() => load({ "config/fleet.yaml": fleet, "config/shared.yaml": shared }))).toEqual([
      `config/fleet.yaml:4:19: network.stack: ${error}, found "shared"`,
    ]);
  });

  it("is not reported as missing while its own file has errors", () => {
    expect(errorsOf(() => load({ "config/fleet.yaml": fleet, "config/shared.yaml": "kind: [" }))).toEqual([
      expect.stringMatching(/^config\/shared\.yaml:/),
    ]);
  });

  it("is not the stack itself", () => {
    expect(errorsOf(() => load({ "config/shared.yaml": fleet }))).toEqual([
      expect.stringContaining("network.stack: must be a stack of kind network"),
    ]);
  });

  it.each(["A", "x", "shared network", "-shared"])("has no name like %s", (name) => {
    expect(messagesIn(`${minimal}network: { stack: "${name}" }`)).toEqual([
      expect.stringMatching(/^network\.stack: must be 3 to 40 lower-case letters, digits and hyphens/),
    ]);
  });
});
