import { describe, expect, it } from "vitest";
import { startAzureDevOpsFake } from "../../../fakes/azure-devops.ts";
import { region } from "../../../fakes/check-world.ts";
import { type Checked, closeWorlds, fleetName, openWorld, values } from "./world.ts";

closeWorlds();

type Found = Awaited<ReturnType<Checked["run"]>>["stack"][number];

interface Case {
  readonly what: string;
  readonly kind?: "tasks" | "instances";
  readonly make: (checked: Checked) => void;
  readonly id: string;
  readonly severity: Found["severity"];
  /** In the finding's words. */
  readonly says: RegExp;
}

const change = (checked: Checked, key: string, more: object) => {
  checked.config[key] = { ...(checked.config[key] as object | undefined), ...more };
};
/** A vendor at its public address, whose API nobody asks. */
const publicVendor = (checked: Checked) => {
  checked.config.vendor = { type: "hcp-terraform", organization: "acme", agentPool: "aws", demand: "notifications" };
};
const ownVpc = (checked: Checked, more: object = {}) => {
  checked.config.network = { create: { availabilityZones: 2, egress: "nat-per-az", ...more } };
};
const routeTo = (checked: Checked, target: object, state = "active") => {
  const [table] = checked.world.tables;
  table?.Routes.splice(1, 1, { DestinationCidrBlock: "0.0.0.0/0", State: state, ...target });
};
const ecrImage = (checked: Checked) => {
  checked.world.repositories.add("agents");
  change(checked, "compute", { image: `123456789012.dkr.ecr.${region}.amazonaws.com/agents:1.0.0` });
};
const tagged = (Value: string) => ({ Tags: [{ Key: "Fleet", Value }] });
const secretOf = (name: string) => `agent-fleets/${fleetName}/${name}`;

const cases: readonly Case[] = [
  {
    what: "a Fargate quota below one agent",
    make: ({ world }) => world.quotas.set("L-3032A538", 0),
    id: "quota-too-small",
    severity: "error",
    says: /No agent can start: one needs 1 vCPU, and the quota is 0.*--quota-code L-3032A538 --desired-value 10 --region eu-west-1/s,
  },
  {
    what: "a Fargate quota below all agents",
    make: ({ world }) => world.quotas.set("L-3032A538", 6),
    id: "quota-too-small",
    severity: "warning",
    says: /too small for all agents.*is 6 in eu-west-1, and 0 are in use.*ask for 10/s,
  },
  {
    what: "a Spot quota, which is another one",
    make: (checked) => {
      change(checked, "compute", { spot: true });
      checked.world.quotas.set("L-36FBB829", 2);
    },
    id: "quota-too-small",
    severity: "warning",
    says: /Fargate Spot vCPU \(L-36FBB829\) is 2/,
  },
  {
    what: "a quota that others use, before the first deploy",
    make: ({ world }) => {
      world.functions.clear();
      world.usage.set("L-3032A538", 95);
      for (const name of ["agent-token", "notification-token"]) world.kept.secrets.delete(secretOf(name));
    },
    id: "quota-in-use",
    severity: "warning",
    says: /95 are in use/,
  },
  {
    what: "EC2 vCPU by family",
    kind: "instances",
    make: ({ world }) => world.quotas.set("L-1216C47A", 5),
    id: "quota-too-small",
    severity: "warning",
    says: /Standard On-Demand vCPU of EC2 \(L-1216C47A\) is 5.*ask for 20/s,
  },
  {
    what: "Spot and On-Demand of EC2 apart",
    kind: "instances",
    make: (checked) => {
      change(checked, "compute", { spotPercent: 100 });
      checked.world.quotas.set("L-1216C47A", 0);
      checked.world.quotas.set("L-34B43A08", 1);
    },
    id: "quota-too-small",
    severity: "error",
    says: /Standard Spot vCPU of EC2 \(L-34B43A08\) is 1/,
  },
  {
    what: "a family of instances without a known quota",
    kind: "instances",
    make: (checked) => {
      change(checked, "compute", { instances: { types: ["hpc7a.12xlarge"] } });
      const zones = ["eu-west-1a", "eu-west-1b"];
      checked.world.types.set("hpc7a.12xlarge", { vcpus: 24, architectures: ["x86_64"], zones });
    },
    id: "could-not-look",
    severity: "unknown",
    says: /the vCPU quota of hpc7a\.12xlarge/,
  },
  {
    what: "no room for elastic IPs",
    make: (checked) => {
      ownVpc(checked);
      checked.world.addresses = Array.from({ length: 4 }, () => tagged("other"));
    },
    id: "quota-full",
    severity: "error",
    says: /2 elastic IPs are to be made, and there is room for 1.*L-0263D0A3/s,
  },
  {
    what: "no room for a VPC",
    make: (checked) => {
      ownVpc(checked);
      checked.world.vpcs = Array.from({ length: 5 }, () => tagged("other"));
    },
    id: "quota-full",
    severity: "error",
    says: /1 VPC is to be made, and there is room for 0.*L-F678F1CE/s,
  },
  {
    what: "little Lambda concurrency",
    make: ({ world }) => {
      world.concurrency = { limit: 10, free: 2 };
    },
    id: "lambda-concurrency",
    severity: "warning",
    says: /10 executions at once in eu-west-1, 2 of them not reserved/,
  },
  {
    what: "no Lambda concurrency",
    make: ({ world }) => {
      world.concurrency = { limit: 100, free: 1 };
    },
    id: "lambda-concurrency",
    severity: "error",
    says: /no room for a loop/,
  },
  {
    what: "a subnet that does not exist",
    make: ({ world }) => world.subnets.pop(),
    id: "subnet-missing",
    severity: "error",
    says: /no subnet subnet-0000000b/,
  },
  {
    what: "a subnet of another VPC",
    make: ({ world }) => {
      const [first] = world.subnets;
      if (first) first.VpcId = "vpc-00000002";
    },
    id: "subnet-of-another-vpc",
    severity: "error",
    says: /subnet-0000000a is in vpc-00000002/,
  },
  {
    what: "subnets without a way out",
    make: (checked) => {
      publicVendor(checked);
      checked.world.tables[0]?.Routes.pop();
    },
    id: "subnet-without-way-out",
    severity: "error",
    says: /cannot reach the vendor.*rtb-main has no route for 0\.0\.0\.0\/0/s,
  },
  {
    what: "no way out to a vendor at a private address",
    make: (checked) => checked.world.tables[0]?.Routes.pop(),
    id: "subnet-without-way-out",
    severity: "warning",
    says: /no way to the internet/,
  },
  {
    what: "a NAT gateway that is gone",
    make: (checked) => {
      publicVendor(checked);
      routeTo(checked, { NatGatewayId: "nat-gone" }, "blackhole");
    },
    id: "subnet-without-way-out",
    severity: "error",
    says: /black hole \(nat-gone\)/,
  },
  {
    what: "public subnets without public IPs",
    make: (checked) => routeTo(checked, { GatewayId: "igw-1" }),
    id: "public-ip-missing",
    severity: "error",
    says: /sends 0\.0\.0\.0\/0 to igw-1.*assignPublicIp: true/s,
  },
  {
    what: "a table of the subnet's own, which outweighs the main one",
    make: ({ world }) =>
      world.tables.push({
        RouteTableId: "rtb-own",
        Associations: [{ SubnetId: "subnet-0000000b" }],
        Routes: [{ DestinationCidrBlock: "0.0.0.0/0", State: "active", GatewayId: "igw-1" }],
      }),
    id: "public-ip-missing",
    severity: "error",
    says: /subnet-0000000b \(eu-west-1b\).*rtb-own/s,
  },
  {
    what: "public IPs in private subnets",
    make: (checked) => change(checked, "network", { assignPublicIp: true }),
    id: "public-ip-useless",
    severity: "warning",
    says: /to nat-1/,
  },
  {
    what: "subnets that are too small",
    make: ({ world }) => {
      for (const subnet of world.subnets) subnet.AvailableIpAddressCount = 3;
    },
    id: "subnets-too-small",
    severity: "warning",
    says: /6 free addresses, and up to 10 agents/,
  },
  {
    what: "types that the region does not have",
    kind: "instances",
    make: ({ world }) => world.types.clear(),
    id: "type-missing",
    severity: "error",
    says: /none of the instance types/,
  },
  {
    what: "one unknown type",
    kind: "instances",
    make: ({ world }) => world.types.delete("m6i.large"),
    id: "type-missing",
    severity: "warning",
    says: /does not have m6i\.large/,
  },
  {
    what: "a type for another architecture",
    kind: "instances",
    make: ({ world }) => {
      const type = world.types.get("m6i.large");
      if (type) type.architectures = ["arm64"];
    },
    id: "type-architecture",
    severity: "error",
    says: /m6i\.large cannot start an image for x86_64/,
  },
  {
    what: "a zone that has none of the types",
    kind: "instances",
    make: ({ world }) => {
      for (const type of world.types.values()) type.zones = ["eu-west-1a"];
    },
    id: "zone-without-types",
    severity: "warning",
    says: /In eu-west-1b no instance can start.*in eu-west-1a/s,
  },
  {
    what: "no zone of the stack that has the types",
    kind: "instances",
    make: ({ world }) => {
      for (const type of world.types.values()) type.zones = ["eu-west-1c"];
    },
    id: "zone-without-types",
    severity: "error",
    says: /No zone of the stack/,
  },
  {
    what: "the vendor's AMI, which the region does not have",
    kind: "instances",
    make: ({ world }) => world.images.pop(),
    id: "ami-missing",
    severity: "error",
    says: /no AMI of name spacelift-\?+-x86_64 of 643313122712/,
  },
  {
    what: "an AMI by an id that does not exist",
    kind: "instances",
    make: (checked) => change(checked, "compute", { ami: { id: "ami-0123456789abcdef0" } }),
    id: "ami-missing",
    severity: "error",
    says: /ami-0123456789abcdef0/,
  },
  {
    what: "an AMI for another architecture",
    kind: "instances",
    make: (checked) => {
      const [image] = checked.world.images;
      if (image) image.Architecture = "arm64";
      change(checked, "compute", { ami: { id: "ami-00000001" } });
    },
    id: "ami-architecture",
    severity: "error",
    says: /The AMI is for arm64, and the config asks for x86_64/,
  },
  {
    what: "an AMI that is not ready",
    kind: "instances",
    make: ({ world }) => {
      const [image] = world.images;
      if (image) image.State = "pending";
    },
    id: "ami-not-ready",
    severity: "error",
    says: /pending/,
  },
  {
    what: "an SSM parameter that does not exist",
    kind: "instances",
    make: (checked) => change(checked, "compute", { ami: { ssmParameter: "/images/agent" } }),
    id: "ami-missing",
    severity: "error",
    says: /no SSM parameter \/images\/agent/,
  },
  {
    what: "no repository for the image",
    make: (checked) => {
      ecrImage(checked);
      checked.world.repositories.clear();
    },
    id: "image-missing",
    severity: "error",
    says: /has no repository agents/,
  },
  {
    what: "no image of this tag",
    make: ecrImage,
    id: "image-missing",
    severity: "error",
    says: /agents has no image 1\.0\.0/,
  },
  {
    what: "an image for another architecture",
    make: (checked) => {
      ecrImage(checked);
      checked.world.manifests.set("agents:1.0.0", { manifests: [{ platform: { architecture: "arm64" } }] });
    },
    id: "image-architecture",
    severity: "error",
    says: /not for amd64.*it is for arm64/s,
  },
  {
    what: "a secret without a value",
    make: ({ world }) => world.kept.secrets.delete(secretOf("agent-token")),
    id: "secret-empty",
    severity: "error",
    says: /agent-token has no value.*fleet secret set ci-agents agent-token/s,
  },
  {
    what: "a webhook without its key, in a fleet that asks the vendor itself",
    make: ({ world }) => world.kept.secrets.delete(secretOf("notification-token")),
    id: "secret-empty",
    severity: "warning",
    says: /so the webhook lets nobody in.*fleet secret set ci-agents notification-token/s,
  },
  {
    what: "a webhook without its key, in a fleet that only the webhook tells of jobs",
    make: ({ world, config }) => {
      Object.assign(config.vendor as object, { demand: "notifications" });
      world.kept.secrets.delete(secretOf("notification-token"));
    },
    id: "secret-empty",
    severity: "error",
    says: /notification-token has no value\..*fleet secret set ci-agents notification-token/s,
  },
  {
    what: "a secret that somebody else keeps, and that does not exist",
    make: (checked) => {
      const arn = `arn:aws:secretsmanager:${region}:123456789012:secret:theirs-AbCdEf`;
      checked.config.secrets = { agentToken: { arn } };
    },
    id: "secret-missing",
    severity: "error",
    says: /secret:theirs-AbCdEf.*/,
  },
  {
    what: "a secret of a wrong form",
    make: ({ world }) => world.kept.secrets.set(secretOf("notification-token"), "canary-weak"),
    id: "secret-form",
    severity: "error",
    says: /notification-token cannot be right/,
  },
  {
    what: "a private key that is not in base64",
    kind: "instances",
    make: ({ world }) => world.kept.secrets.set(secretOf("pool-private-key"), "canary-no-key"),
    id: "secret-form",
    severity: "error",
    says: /not a private key in base64/,
  },
  {
    what: "a Terraform variable that is not set, before the first deploy",
    make: (checked) => {
      checked.world.functions.clear();
      checked.world.kept.secrets.delete(secretOf("agent-token"));
      checked.config.secrets = { agentToken: { variable: "tfc_agent_token" } };
    },
    id: "variable-missing",
    severity: "warning",
    says: /TF_VAR_tfc_agent_token/,
  },
  {
    what: "a token that the vendor refuses",
    make: ({ hcp }) => {
      hcp.state.token = "another";
    },
    id: "token-refused",
    severity: "error",
    says: /While it read the queue/,
  },
  {
    what: "a pool that does not exist",
    make: (checked) => change(checked, "vendor", { agentPool: "other" }),
    id: "wrong-pool",
    severity: "error",
    says: /agent pool "other" of organization "acme" does not exist/,
  },
  {
    what: "Spacelift's key, which is wrong",
    kind: "instances",
    make: ({ spacelift }) => {
      spacelift.state.secret = "another";
    },
    id: "token-refused",
    severity: "error",
    says: /While it read the queue/,
  },
  {
    what: "a worker pool that does not exist",
    kind: "instances",
    make: ({ spacelift }) => spacelift.state.pools.clear(),
    id: "wrong-pool",
    severity: "error",
    says: /pool/,
  },
  {
    what: "a vendor that does not answer",
    make: ({ hcp }) => hcp.fail({ answer: { status: 503 } }),
    id: "could-not-look",
    severity: "unknown",
    says: /the queue at the vendor/,
  },
  {
    what: "a webhook that takes in unsigned messages",
    make: ({ world }) => world.webhook.set("/notifications", 200),
    id: "webhook-open",
    severity: "error",
    says: /https:\/\/abc123\.execute-api\.eu-west-1\.amazonaws\.com\/notifications was answered with 200/,
  },
  {
    what: "a webhook without a key",
    make: ({ world }) => world.webhook.set("/run-task", 503),
    id: "webhook-failing",
    severity: "error",
    says: /answered with 503/,
  },
  {
    what: "a webhook of another API",
    make: ({ world }) => world.webhook.set("/notifications", 404),
    id: "webhook-missing",
    severity: "error",
    says: /answered with 404/,
  },
  {
    what: "a webhook under its throttle",
    make: ({ world }) => world.webhook.set("/notifications", 429),
    id: "webhook-throttled",
    severity: "warning",
    says: /answered with 429/,
  },
  {
    what: "a webhook without an answer",
    make: ({ world }) => world.webhook.set("/notifications", new Error("connect ECONNREFUSED")),
    id: "could-not-look",
    severity: "unknown",
    says: /no answer: connect ECONNREFUSED/,
  },
];

const textOf = ({ what, evidence, todo }: Found) => [what, ...evidence, todo].join("\n");

describe("fleet check", () => {
  it.each(["tasks", "instances"] as const)("finds nothing in a right account, with agents in %s", async (kind) => {
    const { account, stack, notes } = await (await openWorld(kind)).run();
    expect(account).toEqual([]);
    expect(stack).toEqual([]);
    expect(notes.join("\n")).toMatch(
      kind === "tasks" ? /Whether the agent token is of this pool/ : /may drain workers/,
    );
  });

  it.each(cases)("$what: $id", async ({ kind, make, id, severity, says }) => {
    const checked = await openWorld(kind);
    make(checked);
    const { account, stack } = await checked.run();
    const found = [...account, ...stack];
    expect([...new Set(found.map((each) => each.id))], found.map(textOf).join("\n")).toEqual([id]);
    const [first] = found;
    expect(first?.severity).toBe(severity);
    expect(found.map(textOf).join("\n")).toMatch(says);
    // No value of a secret, right or wrong.
    expect(JSON.stringify(found)).not.toMatch(/canary|test-token|test-secret"/);
    expect(JSON.stringify(found)).not.toContain(values.agentToken);
  });

  it.each([
    ["ec2:DescribeSubnets", "tasks", /this AWS identity may not do ec2:DescribeSubnets/],
    ["ec2:DescribeRouteTables", "tasks", /ec2:DescribeRouteTables/],
    ["servicequotas:GetServiceQuota", "tasks", /servicequotas:GetServiceQuota/],
    ["cloudwatch:GetMetricStatistics", "tasks", /cloudwatch:GetMetricStatistics/],
    ["lambda:GetAccountSettings", "tasks", /lambda:GetAccountSettings/],
    ["lambda:GetFunctionConfiguration", "tasks", /lambda:GetFunctionConfiguration/],
    ["lambda:GetPolicy", "tasks", /lambda:GetPolicy/],
    ["ec2:DescribeInstanceTypes", "instances", /ec2:DescribeInstanceTypes/],
    ["ec2:DescribeInstanceTypeOfferings", "instances", /ec2:DescribeInstanceTypeOfferings/],
    ["ec2:DescribeImages", "instances", /ec2:DescribeImages/],
    ["ec2:DescribeAddresses", "instances", /ec2:DescribeAddresses/],
    ["ec2:DescribeVpcs", "instances", /ec2:DescribeVpcs/],
  ] as const)("without the right %s it says that it could not look", async (action, kind, says) => {
    const checked = await openWorld(kind);
    checked.world.denied.add(action);
    const { account, stack } = await checked.run();
    const found = [...account, ...stack];
    expect(new Set(found.map(({ id, severity }) => `${id} ${severity}`))).toEqual(new Set(["could-not-look unknown"]));
    expect(found.map(textOf).join("\n")).toMatch(says);
  });

  it("a secret that it may not read is a finding, and so is the vendor that it cannot ask", async () => {
    const checked = await openWorld();
    checked.world.kept.fail({ answer: { status: 400, json: { __type: "AccessDeniedException", message: "no" } } });
    const { stack } = await checked.run();
    expect(stack.map(({ what }) => what)).toEqual([
      "Could not look at the value of agent-token.",
      "Could not look at the value of api-token.",
      "Could not look at the value of notification-token.",
      "Could not look at the vendor.",
    ]);
  });

  it("before the first deploy it asks the vendor with a token of the environment, or says which variable", async () => {
    const checked = await openWorld();
    checked.world.functions.clear();
    checked.world.kept.secrets.clear();
    const without = (await checked.run()).stack;
    expect(without.map(({ id, severity }) => [id, severity])).toEqual([["could-not-look", "unknown"]]);
    expect(without[0]?.todo).toMatch(/^Put it into the variable TOKEN, or deploy and set the secret first\. Then run/);
    checked.env.TOKEN = checked.hcp.token;
    expect((await checked.run()).stack).toEqual([]);
    checked.env.TOKEN = "wrong";
    expect((await checked.run()).stack.map(({ id }) => id)).toEqual(["token-refused"]);
  });

  it("counts what a deployed stack has already neither twice nor as that of others", async () => {
    const checked = await openWorld();
    ownVpc(checked);
    checked.world.addresses = [tagged("other"), tagged("other"), tagged("other"), tagged(fleetName), tagged(fleetName)];
    checked.world.vpcs = [...Array.from({ length: 4 }, () => tagged("other")), tagged(fleetName)];
    checked.world.usage.set("L-3032A538", 100);
    const { account } = await checked.run();
    expect(account).toEqual([]);
  });

  it("says which images it does not ask for, and takes one of several platforms", async () => {
    const checked = await openWorld();
    ecrImage(checked);
    const platforms = [{ platform: { architecture: "arm64" } }, { platform: { architecture: "amd64" } }];
    checked.world.manifests.set("agents:1.0.0", { manifests: platforms });
    expect((await checked.run()).stack).toEqual([]);
    checked.world.manifests.set("agents:1.0.0", { config: {} });
    const single = await checked.run();
    expect(single.stack).toEqual([]);
    expect(single.notes.join()).toMatch(/is for amd64: ECR says so only of images for several platforms/);
  });

  it("without an account there is one clear error, and nothing else is asked", async () => {
    const checked = await openWorld();
    const text =
      "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>it has expired</Message></Error></ErrorResponse>";
    checked.world.http.fail({ answer: { status: 403, text, headers: { "content-type": "text/xml" } } });
    const { account } = await checked.run();
    expect(account).toMatchObject([{ id: "no-account", severity: "error" }]);
    expect(account.map(textOf).join()).toMatch(
      /it has expired.*The AWS session has expired: log in again\. With --offline/s,
    );
    expect(new Set(checked.world.calls.map(({ action }) => action))).toEqual(new Set());
  });

  it("Azure DevOps: each pool is looked for by name and id, with the loop's own credential", async () => {
    const checked = await openWorld();
    const ado = await startAzureDevOpsFake({ clock: checked.world.clock });
    try {
      const linux = ado.state.addPool("linux");
      const { url } = ado.runtime(linux, "pat");
      const pools = (id: number, name: string) => [
        { key: "linux", name: "linux", id: linux.id },
        { key: "other", name, id },
      ];
      const image = `123456789012.dkr.ecr.${region}.amazonaws.com/agents:1.0.0`;
      ecrImage(checked);
      checked.world.manifests.set("agents:1.0.0", { config: {} });
      checked.world.kept.secrets.set(secretOf("pat"), ado.state.pat);
      Object.assign(checked.config, { vendor: { type: "azure-devops", collectionUrl: url }, compute: { image } });
      checked.config.pools = pools(linux.id, "other");
      const wrong = (await checked.run()).stack;
      expect(wrong.map(({ id, severity }) => [id, severity])).toEqual([
        ["wrong-pool", "error"],
        ["wrong-pool", "error"],
      ]);
      expect(wrong.map(textOf).join()).toMatch(/pool \d+ is named "linux", but agents register in "other"/);
      const other = ado.state.addPool("other");
      checked.config.pools = pools(other.id, "other");
      expect((await checked.run()).stack).toEqual([]);
      ado.state.pat = "another";
      expect(new Set((await checked.run()).stack.map(({ id }) => id))).toEqual(new Set(["token-refused"]));
    } finally {
      await ado.close();
    }
  });
});
