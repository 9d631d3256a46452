import { describe, expect, it } from "vitest";
import { minimal, resources, type Synthesized, synthesizeTogether, theSettings } from "./synth.ts";

const network = { kind: "network", region: "us-west-2" };
const fleet = { ...minimal, network: { stack: "shared" } };
const published: Readonly<Record<string, string>> = {
  "vpc-id": "vpc-1",
  "agent-subnet-ids": "subnet-1,subnet-2,subnet-3",
  "assign-public-ip": "true",
};

/** What Terraform makes of a text once the parameters are read. */
function deployed(stack: Synthesized, text: unknown): string {
  return String(text).replaceAll(/\$\{data\.aws_ssm_parameter\.([\w-]+)\.insecure_value\}/g, (_, id: string) => {
    const name = String(stack.data.aws_ssm_parameter?.[id]?.name);
    return published[name.replace("/agent-fleets/shared/network/", "")] ?? `unknown ${name}`;
  });
}

describe("a shared network", () => {
  const { stack, after } = synthesizeTogether({ fleet, shared: network, alone: minimal });
  const parameters = resources(stack("shared"), "aws_ssm_parameter");
  const read = Object.values(stack("fleet").data.aws_ssm_parameter ?? {});

  it("is published as parameters under the stack's name", () => {
    const subnets = (kind: string) =>
      expect.stringMatching(
        new RegExp(
          `^\\$\\{aws_subnet\\.network_${kind}-0_\\w+\\.id\\},\\$\\{aws_subnet\\.network_${kind}-1_\\w+\\.id\\}$`,
        ),
      );
    expect(Object.fromEntries(parameters.map(({ name, type, value }) => [name, [type, value]]))).toEqual({
      "/agent-fleets/shared/network/vpc-id": ["String", expect.stringMatching(/^\$\{aws_vpc\.network_\w+\.id\}$/)],
      "/agent-fleets/shared/network/cidr": ["String", "10.40.0.0/16"],
      "/agent-fleets/shared/network/assign-public-ip": ["String", "false"],
      "/agent-fleets/shared/network/agent-subnet-ids": ["StringList", subnets("private")],
      "/agent-fleets/shared/network/private-subnet-ids": ["StringList", subnets("private")],
      "/agent-fleets/shared/network/public-subnet-ids": ["StringList", subnets("public")],
    });
  });

  it("leaves out the kinds of subnets it does not have: a parameter cannot be empty", () => {
    const names = (egress: string) => {
      const { stack } = synthesizeTogether({ shared: { ...network, egress } });
      return resources(stack("shared"), "aws_ssm_parameter").map(({ name }) => String(name).split("/").at(-1));
    };
    expect(names("public-ip")).not.toContain("private-subnet-ids");
    expect(names("endpoints-only")).not.toContain("public-subnet-ids");
  });

  it("is read by fleets from parameters that it writes, and from nothing else", () => {
    const written = new Set(parameters.map(({ name }) => name));
    expect(read.map(({ name }) => name).filter((name) => !written.has(name))).toEqual([]);
    expect(read).toHaveLength(3);
    expect(stack("fleet").data).not.toHaveProperty("terraform_remote_state");
    expect(resources(stack("fleet"), "aws_vpc")).toEqual([]);
    expect(JSON.stringify(stack("fleet"))).not.toContain("aws_vpc.");
  });

  it("reaches the loop: its settings decode to the subnets, however many there are", () => {
    const { capacity } = theSettings(stack("fleet"), (text) => deployed(stack("fleet"), text));
    expect(capacity).toMatchObject({
      subnets: ["subnet-1", "subnet-2", "subnet-3"],
      assignPublicIp: "true",
    });
    const [group] = resources(stack("fleet"), "aws_security_group");
    expect(deployed(stack("fleet"), group?.vpc_id)).toBe("vpc-1");
  });

  it("is deployed before the stacks of its folder that share it, and they know nothing of each other's state", () => {
    expect(after).toEqual({ fleet: ["shared"], shared: [], alone: [] });
    expect(stack("fleet").terraform.backend).toEqual({ local: { path: "../../../state/terraform.fleet.tfstate" } });
  });

  it("may be deployed from elsewhere: what reads it is the same", () => {
    const elsewhere = synthesizeTogether({ fleet });
    expect(elsewhere.after).toEqual({ fleet: [] });
    expect(elsewhere.stack("fleet")).toEqual(stack("fleet"));
  });
});
